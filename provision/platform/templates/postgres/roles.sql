-- Roles of the cluster; may be run again at any time.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'owner', 'application', 'authenticator', 'migrator', 'app', 'backup', 'vault', 'pooler', 'monitor'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
END
$$;

-- Nobody logs in as these: who owns the schema, what services may do, who owns the sign-in.
ALTER ROLE owner         WITH NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE application   WITH NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
-- It must find an account before it knows whose it is; it may read that one table and nothing else.
ALTER ROLE authenticator WITH NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS;

ALTER ROLE migrator WITH LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE app      WITH LOGIN INHERIT   NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE backup   WITH LOGIN INHERIT   NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS;
-- It issues logins by functions that can do nothing else: CREATEROLE would lead to every role below the superuser.
ALTER ROLE vault    WITH LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE pooler   WITH LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE monitor  WITH LOGIN INHERIT   NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

GRANT owner                TO migrator;
GRANT authenticator        TO owner;
GRANT application          TO app;
GRANT pg_read_all_data     TO backup;
GRANT pg_read_all_settings TO backup;
GRANT pg_monitor           TO monitor;

-- A login may change its own defaults: whatever somebody left there goes first.
ALTER ROLE app RESET ALL;

-- What a tenant's request may cost, in case a service forgets to say.
ALTER ROLE app SET statement_timeout = '30s';
ALTER ROLE app SET idle_in_transaction_session_timeout = '60s';

-- Every request sets its context, so that statement would drown what the audit log is read for.
ALTER ROLE app SET pgaudit.log = 'ddl, role, write';

-- The backup tool brackets a physical backup with these, in the maintenance database.
GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(), pg_create_restore_point(text) TO backup;
