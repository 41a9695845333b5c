-- Every relation of tenants, as the application's login in one tenant's context: what is the neighbour's is not read or written.
CREATE TEMPORARY VIEW of_tenants AS
SELECT t.oid, format('%I.%I', schema, t.name) AS name, kind, (
    -- A row like one's own with the neighbour's id: whatever else a column asks for is right already.
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'organization_id'
) AS others
FROM our_relations AS t JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'organization_id';

SELECT 'SET LOCAL ROLE app';
SELECT format('SELECT set_config(''app.organization_id'', %L, true)', current_setting('peers.mine'));
SELECT format('SELECT isnt_empty(%L, %L)', format('SELECT 1 FROM %s', name), 'own rows of ' || name)
FROM of_tenants WHERE has_table_privilege('app', oid, 'SELECT');
SELECT format('SELECT is_empty(%L, %L)',
    format('SELECT 1 FROM %s WHERE organization_id <> %L', name, current_setting('peers.mine')), 'others read in ' || name
) FROM of_tenants WHERE has_table_privilege('app', oid, 'SELECT');
SELECT format('SELECT is_empty(%L, %L)', format(
    'UPDATE %s SET organization_id = organization_id WHERE organization_id <> %L RETURNING 1', name, current_setting('peers.mine')
), 'others changed in ' || name) FROM of_tenants WHERE has_table_privilege('app', oid, 'UPDATE');
SELECT format('SELECT is_empty(%L, %L)',
    format('DELETE FROM %s WHERE organization_id <> %L RETURNING 1', name, current_setting('peers.mine')), 'others deleted in ' || name
) FROM of_tenants WHERE has_table_privilege('app', oid, 'DELETE');
SELECT format('SELECT throws_ok(%L, ''42501'', NULL, %L)',
    format('UPDATE %s SET organization_id = %L', name, current_setting('peers.theirs')), 'own handed over in ' || name
) FROM of_tenants WHERE has_table_privilege('app', oid, 'UPDATE');
SELECT format('SELECT throws_ok(%L, ''42501'', NULL, %L)', format(
    'INSERT INTO %1$s (organization_id, %2$s) SELECT %3$L, %2$s FROM %1$s LIMIT 1', name, others, current_setting('peers.theirs')
), 'inserted for another in ' || name) FROM of_tenants WHERE has_table_privilege('app', oid, 'INSERT');
SELECT format('SELECT throws_ok(%L, ''42501'', NULL, %L)', format('TRUNCATE %s', name), 'truncated ' || name) FROM of_tenants WHERE kind <> 'v';

-- And without a context nothing is.
SELECT 'SELECT set_config(''app.organization_id'', '''', true)';
SELECT format('SELECT is_empty(%L, %L)', format('SELECT 1 FROM %s', name), 'read without a context in ' || name)
FROM of_tenants WHERE has_table_privilege('app', oid, 'SELECT');
