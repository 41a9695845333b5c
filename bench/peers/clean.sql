-- What the scripts are written from: the schema's own parts, without what PostgreSQL brings.
CREATE TEMPORARY VIEW our_schemas AS
SELECT oid, nspname AS schema, nspowner AS owner FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema';

CREATE TEMPORARY VIEW our_relations AS
SELECT c.oid, s.schema, c.relname AS name, c.relkind AS kind, c.relowner AS owner, c.relrowsecurity, c.relforcerowsecurity
FROM pg_class AS c JOIN our_schemas AS s ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm');

CREATE TEMPORARY VIEW our_functions AS
SELECT p.*, s.schema, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, o) ORDER BY o)::text AS arguments
FROM pg_proc AS p JOIN our_schemas AS s ON s.oid = p.pronamespace WHERE s.schema <> 'cryptography';

CREATE TEMPORARY VIEW our_roles AS SELECT oid, rolname AS role FROM pg_roles WHERE rolname !~ '^pg_' AND NOT rolsuper;

CREATE TEMPORARY VIEW locked_functions AS
SELECT p.oid, p.proname, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, o) ORDER BY o)::text AS arguments
FROM pg_proc AS p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proacl IS NOT NULL AND p.prokind = 'f';

CREATE TEMPORARY VIEW locked_relations AS
SELECT oid, relname AS name FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v') AND relacl IS NOT NULL;
