-- All that the secret store may do in the database; may be run again at any time.
-- It gets these functions and no right to create roles, which in PostgreSQL 15 leads to
-- every role below the superuser.
CREATE SCHEMA IF NOT EXISTS issuer;
REVOKE ALL ON SCHEMA issuer FROM PUBLIC;
GRANT USAGE ON SCHEMA issuer TO vault;

-- A name that this schema has issued itself, and a verifier: a password is never sent here.
CREATE OR REPLACE FUNCTION issuer.require(login text, verifier text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF login !~ '^issued-[a-z0-9-]{1,50}$' THEN
        RAISE insufficient_privilege USING MESSAGE = format('login %L was not issued here', login);
    ELSIF verifier !~ '^SCRAM-SHA-256\$' THEN
        RAISE invalid_password USING MESSAGE = 'expected a SCRAM-SHA-256 verifier';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION issuer.issue(login text, verifier text, expires timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM issuer.require(login, verifier);
    EXECUTE format(
        'CREATE ROLE %I WITH LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS'
        ' CONNECTION LIMIT 20 PASSWORD %L VALID UNTIL %L IN ROLE application', login, verifier, expires
    );
    EXECUTE format('ALTER ROLE %I SET statement_timeout = ''30s''', login);
    EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''60s''', login);
END
$$;

CREATE OR REPLACE FUNCTION issuer.renew(login text, expires timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM issuer.require(login, NULL);
    EXECUTE format('ALTER ROLE %I VALID UNTIL %L', login, expires);
END
$$;

-- Ends the sessions too: PostgreSQL lets those of a dropped login go on.
CREATE OR REPLACE FUNCTION issuer.revoke(login text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM issuer.require(login, NULL);
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
        EXECUTE format('ALTER ROLE %I NOLOGIN', login);
        PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = login;
        EXECUTE format('DROP ROLE %I', login);
    END IF;
END
$$;

-- The one standing login whose password the secret store changes.
CREATE OR REPLACE FUNCTION issuer.rotate(login text, verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM issuer.require('issued-anything', verifier);
    IF login <> 'reporter' THEN
        RAISE insufficient_privilege USING MESSAGE = format('login %L is not rotated here', login);
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L', login, verifier);
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA issuer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    issuer.issue(text, text, timestamptz), issuer.renew(text, timestamptz), issuer.revoke(text), issuer.rotate(text, text)
TO vault;
