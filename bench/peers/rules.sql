-- Row level security, policies and their texts.
SELECT format(
    'SELECT is((SELECT concat_ws(''/'', relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = to_regclass(%L)), %L, %L)',
    format('%I.%I', schema, name), concat_ws('/', relrowsecurity, relforcerowsecurity), 'row level security of ' || name
) FROM our_relations WHERE kind IN ('r', 'p');
SELECT format('SELECT policies_are(%L, %L, %L::name[])', schema, name, ARRAY(SELECT polname FROM pg_policy WHERE polrelid = t.oid)::text)
FROM our_relations AS t WHERE kind IN ('r', 'p');
SELECT format('SELECT policy_cmd_is(%L, %L, %L::name, %L)', schemaname, tablename, policyname, cmd) FROM pg_policies;
SELECT format('SELECT policy_roles_are(%L, %L, %L, %L::name[])', schemaname, tablename, policyname, array_remove(roles, 'public'))
FROM pg_policies; -- it knows PUBLIC as no role at all
SELECT format(
    'SELECT is((SELECT concat_ws(''/'', permissive, qual, with_check) FROM pg_policies '
    'WHERE (schemaname, tablename, policyname) = (%L, %L, %L)), %L, %L)',
    schemaname, tablename, policyname, concat_ws('/', permissive, qual, with_check), 'text of ' || policyname || ' on ' || tablename
) FROM pg_policies;

-- Rights on relations and columns, of every role.
SELECT format('SELECT table_privs_are(%L, %L, %L, %L::name[])', schema, name, role, ARRAY(
    SELECT p FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p WHERE has_table_privilege(r.oid, t.oid, p)
)::text) FROM our_relations AS t CROSS JOIN our_roles AS r;
SELECT format('SELECT any_column_privs_are(%L, %L, %L, %L::name[])', schema, name, role, ARRAY(
    SELECT p FROM unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS p WHERE has_any_column_privilege(r.oid, t.oid, p)
)::text) FROM our_relations AS t CROSS JOIN our_roles AS r;

-- Functions: who may call them, whose rights they have, what they do.
SELECT format('SELECT function_privs_are(%L, %L, %L::name[], %L, %L::name[])', schema, proname, arguments, role,
    CASE WHEN has_function_privilege(r.oid, f.oid, 'EXECUTE') THEN '{EXECUTE}' ELSE '{}' END
) FROM our_functions AS f CROSS JOIN our_roles AS r;
SELECT format(
    'SELECT is((SELECT concat_ws(''/'', prosecdef, provolatile, proleakproof, proconfig, md5(prosrc), proowner::regrole) '
    'FROM pg_proc WHERE oid = to_regprocedure(%L)), %L, %L)',
    oid::regprocedure, concat_ws('/', prosecdef, provolatile, proleakproof, proconfig, md5(prosrc), proowner::regrole), 'body of ' || proname
) FROM our_functions;

-- What the platform has locked away in PostgreSQL's own schema.
SELECT format('SELECT function_privs_are(''pg_catalog'', %L, %L::name[], ''app'', %L::name[])', proname, arguments,
    CASE WHEN has_function_privilege('app', oid, 'EXECUTE') THEN '{EXECUTE}' ELSE '{}' END
) FROM locked_functions;
SELECT format('SELECT table_privs_are(''pg_catalog'', %L, ''app'', %L::name[])', name, ARRAY(
    SELECT p FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p WHERE has_table_privilege('app', oid, p)
)::text) FROM locked_relations;

-- Schemas, the database, languages.
SELECT format('SELECT schema_privs_are(%L, %L, %L::name[])', schema, role,
    ARRAY(SELECT p FROM unnest('{CREATE,USAGE}'::text[]) AS p WHERE has_schema_privilege(r.oid, s.oid, p))::text
) FROM our_schemas AS s CROSS JOIN our_roles AS r;
SELECT format('SELECT database_privs_are(current_database(), %L, %L::name[])', role,
    ARRAY(SELECT p FROM unnest('{CREATE,CONNECT,TEMPORARY}'::text[]) AS p WHERE has_database_privilege(oid, current_database(), p))::text
) FROM our_roles;
SELECT format('SELECT language_privs_are(%L, %L, %L::name[])', lanname, role,
    CASE WHEN has_language_privilege(r.oid, l.oid, 'USAGE') THEN '{USAGE}' ELSE '{}' END
) FROM pg_language AS l CROSS JOIN our_roles AS r WHERE lanpltrusted;

-- Roles: their powers, and who may become whom.
SELECT format(
    'SELECT is((SELECT concat_ws(''/'', rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin) '
    'FROM pg_roles WHERE rolname = %L), %L, %L)', rolname,
    concat_ws('/', rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin), 'powers of ' || rolname
) FROM pg_roles;
SELECT format('SELECT %s(%L, %L::name)', CASE WHEN m.member IS NULL THEN 'isnt_member_of' ELSE 'is_member_of' END, g.rolname, r.role)
FROM pg_roles AS g CROSS JOIN our_roles AS r LEFT JOIN pg_auth_members AS m ON m.roleid = g.oid AND m.member = r.oid
WHERE g.oid <> r.oid;

-- Owners.
SELECT format('SELECT relation_owner_is(%L, %L, %L, %L)', schema, name, pg_get_userbyid(owner), 'owner of ' || name) FROM our_relations;
SELECT format('SELECT schema_owner_is(%L, %L)', schema, pg_get_userbyid(owner)) FROM our_schemas;
