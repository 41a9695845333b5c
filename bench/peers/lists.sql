-- Nothing is there but what was there.
SELECT format('SELECT schemas_are(%L::name[])', array_agg(schema) || '{tap}'::name[]) FROM our_schemas;
SELECT format('SELECT %s(%L, %L::name[])', assertion, schema,
    ARRAY(SELECT relname FROM pg_class AS c WHERE c.relnamespace = s.oid AND c.relkind = ANY (kinds))::text
) FROM our_schemas AS s CROSS JOIN (VALUES
    ('tables_are', '{r,p}'::"char"[]), ('views_are', '{v}'), ('materialized_views_are', '{m}'), ('sequences_are', '{S}'),
    ('foreign_tables_are', '{f}')
) AS listed (assertion, kinds);
SELECT format('SELECT functions_are(%L, %L::name[])', schema, ARRAY(SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = s.oid)::text)
FROM our_schemas AS s;
SELECT format('SELECT triggers_are(%L, %L, %L::name[])', schema, name,
    ARRAY(SELECT tgname FROM pg_trigger WHERE tgrelid = t.oid AND NOT tgisinternal)::text
) FROM our_relations AS t WHERE kind IN ('r', 'p');
SELECT format('SELECT indexes_are(%L, %L, %L::name[])', schema, name,
    ARRAY(SELECT i.relname FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid WHERE indrelid = t.oid)::text
) FROM our_relations AS t WHERE kind IN ('r', 'p');
SELECT format('SELECT columns_are(%L, %L, %L::name[])', schema, name,
    ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped)::text
) FROM our_relations AS t;
SELECT format('SELECT roles_are(%L::name[])', array_agg(rolname)) FROM pg_roles;
