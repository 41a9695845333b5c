-- A standing login for reports; it works in a tenant's context as the services do.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'reporter') THEN
        CREATE ROLE reporter;
    END IF;
END
$$;
ALTER ROLE reporter WITH LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 5;
ALTER ROLE reporter SET statement_timeout = '30s';
ALTER ROLE reporter SET idle_in_transaction_session_timeout = '60s';
GRANT application TO reporter;
