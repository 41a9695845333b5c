-- Tenants, and the accounts that sign in for them.
-- The schema's rules: every key begins with the tenant, so that neither a duplicate nor a
-- reference tells anything about another tenant's rows; ids are random, never counted.

-- migrate:up
CREATE TABLE organizations (
    organization_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    plan text NOT NULL CHECK (length(plan) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON organizations
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
GRANT SELECT ON organizations TO application;

-- Nothing in this schema is for services, except the one function.
CREATE SCHEMA authentication;
CREATE TABLE authentication.accounts (
    organization_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_name text NOT NULL UNIQUE CHECK (length(user_name) BETWEEN 1 AND 200),
    password_hash text NOT NULL CHECK (password_hash LIKE '$2a$%'),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
);
ALTER TABLE authentication.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE authentication.accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON authentication.accounts
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);

-- The tenant of the account, or NULL. A name that does not exist costs as much as a wrong
-- password: the other hash is of a random value that nobody kept.
CREATE FUNCTION authentication.sign_in(user_name text, password text) RETURNS uuid
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT found.organization_id
    FROM (
        SELECT account.organization_id, account.password_hash FROM authentication.accounts AS account
        WHERE account.user_name = sign_in.user_name
        UNION ALL
        SELECT NULL::uuid, '$2a$10$nG5Q77qlBKC2/amP5CUT3.PhZhT5nnzdJvD4ADC0D5lT9fMdnOAbu'
        ORDER BY organization_id NULLS LAST
        LIMIT 1
    ) AS found
    WHERE octet_length(sign_in.password) <= 72
        AND cryptography.crypt(sign_in.password, found.password_hash) = found.password_hash
$$;
REVOKE ALL ON FUNCTION authentication.sign_in FROM PUBLIC;
GRANT USAGE ON SCHEMA authentication TO application, authenticator;
GRANT EXECUTE ON FUNCTION authentication.sign_in TO application;
GRANT SELECT (organization_id, user_name, password_hash) ON authentication.accounts TO authenticator;
GRANT CREATE ON SCHEMA authentication TO authenticator;
ALTER FUNCTION authentication.sign_in OWNER TO authenticator;
REVOKE CREATE ON SCHEMA authentication FROM authenticator;

-- migrate:down
DROP SCHEMA authentication CASCADE;
DROP TABLE organizations;
