-- What PostgreSQL grants to everybody and tenants of one database must not share; may be run again.

-- Nothing is created, and nothing is reached, unless somebody grants it.
ALTER SCHEMA public OWNER TO owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO application;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO owner;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres, owner, migrator, authenticator REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres, owner, migrator, authenticator REVOKE USAGE ON TYPES FROM PUBLIC;

-- Extensions in schemas that nobody is let into by default.
CREATE EXTENSION IF NOT EXISTS pgaudit;
CREATE SCHEMA IF NOT EXISTS cryptography;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA cryptography;
GRANT USAGE ON SCHEMA cryptography TO owner, authenticator;
GRANT EXECUTE ON FUNCTION cryptography.crypt(text, text) TO owner, authenticator;

-- Row level security does not cover these: large objects, notifications, advisory locks,
-- other sessions (their statements, their end), and counters that tell how much everybody wrote.
DO $$
DECLARE
    open record;
BEGIN
    FOR open IN
        SELECT oid::regprocedure AS function FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND (
            proname ~ '^(lo_|pg_advisory_|pg_try_advisory_|pg_stat_get_|pg_current_wal_|pg_last_|txid_)'
            OR proname = ANY (ARRAY[
                'loread', 'lowrite', 'pg_notify', 'pg_get_replication_slots', 'pg_cancel_backend', 'pg_terminate_backend', 'pg_lock_status',
                'pg_blocking_pids', 'pg_safe_snapshot_blocking_pids', 'pg_isolation_test_session_is_blocked',
                'pg_prepared_xact', 'pg_logical_emit_message', 'pg_export_snapshot',
                'pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size',
                'pg_database_size', 'pg_tablespace_size',
                'pg_current_xact_id', 'pg_current_xact_id_if_assigned', 'pg_current_snapshot', 'pg_xact_status'
            ])
        ) AND proname NOT IN ('lo_import', 'lo_export') -- they read and write the server's files: nobody's, as a fresh cluster has it
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', open.function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO owner, backup, pg_monitor', open.function);
    END LOOP;

    FOR open IN
        SELECT oid::regclass AS relation FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace AND (
            (relkind = 'v' AND relname ~ '^pg_stat')
            OR relname = ANY (ARRAY['pg_locks', 'pg_prepared_xacts', 'pg_replication_slots', 'pg_largeobject_metadata'])
        )
    LOOP
        EXECUTE format('REVOKE SELECT ON %s FROM PUBLIC', open.relation);
        EXECUTE format('GRANT SELECT ON %s TO owner, backup, pg_monitor', open.relation);
    END LOOP;

    -- The planner's counts of every tenant's rows; the rest of the catalogue stays readable.
    REVOKE SELECT ON pg_class FROM PUBLIC;
    EXECUTE (
        SELECT format('GRANT SELECT (%s) ON pg_class TO PUBLIC', string_agg(quote_ident(attname), ', ' ORDER BY attnum))
        FROM pg_attribute
        WHERE attrelid = 'pg_class'::regclass AND attnum > 0 AND attname NOT IN ('relpages', 'reltuples', 'relallvisible')
    );
    GRANT SELECT ON pg_class TO owner, backup, pg_monitor;
END
$$;

REVOKE EXECUTE ON FUNCTION lo_import(text), lo_import(text, oid), lo_export(oid, text) FROM PUBLIC, owner, backup, pg_monitor;

-- The pooler learns the verifier of a login that works for tenants, and of no other.
CREATE SCHEMA IF NOT EXISTS pooler;
CREATE OR REPLACE FUNCTION pooler.lookup(login text) RETURNS TABLE (user_name text, verifier text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT rolname::text, rolpassword
    FROM pg_authid
    WHERE rolname = login
        AND rolcanlogin
        AND NOT (rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole OR rolcreatedb)
        AND (rolvaliduntil IS NULL OR rolvaliduntil > now())
        AND pg_has_role(oid, 'application', 'MEMBER')
$$;
REVOKE ALL ON FUNCTION pooler.lookup FROM PUBLIC;
GRANT USAGE ON SCHEMA pooler TO pooler;
GRANT EXECUTE ON FUNCTION pooler.lookup TO pooler;
