-- What happened, in the order in which each writer says it: only ever added to.

-- migrate:up
CREATE TABLE activities (
    organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid
        REFERENCES organizations ON DELETE CASCADE,
    writer text NOT NULL CHECK (length(writer) BETWEEN 1 AND 200),
    seq bigint NOT NULL CHECK (seq >= 0),
    previous_hash text NOT NULL,
    payload_hash text NOT NULL,
    payload text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, writer, seq)
);
ALTER TABLE activities ENABLE ROW LEVEL SECURITY;
ALTER TABLE activities FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON activities
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
GRANT SELECT, INSERT ON activities TO application;

CREATE TABLE events (
    organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid
        REFERENCES organizations ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 200),
    subject_id uuid,
    payload jsonb NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id)
) PARTITION BY HASH (organization_id);
CREATE INDEX ON events (organization_id, occurred_at DESC);
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
GRANT SELECT, INSERT ON events TO application;

-- Services use the parent; a partition that is asked by its own name has the same rules.
CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 4, REMAINDER 0);
ALTER TABLE events_0 ENABLE ROW LEVEL SECURITY;
ALTER TABLE events_0 FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events_0
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
CREATE TABLE events_1 PARTITION OF events FOR VALUES WITH (MODULUS 4, REMAINDER 1);
ALTER TABLE events_1 ENABLE ROW LEVEL SECURITY;
ALTER TABLE events_1 FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events_1
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
CREATE TABLE events_2 PARTITION OF events FOR VALUES WITH (MODULUS 4, REMAINDER 2);
ALTER TABLE events_2 ENABLE ROW LEVEL SECURITY;
ALTER TABLE events_2 FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events_2
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
CREATE TABLE events_3 PARTITION OF events FOR VALUES WITH (MODULUS 4, REMAINDER 3);
ALTER TABLE events_3 ENABLE ROW LEVEL SECURITY;
ALTER TABLE events_3 FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events_3
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);

-- migrate:down
DROP TABLE events, activities;
