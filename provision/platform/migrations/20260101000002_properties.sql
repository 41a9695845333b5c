-- Properties, their images and documents, and what services list.

-- migrate:up
CREATE TABLE properties (
    organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid
        REFERENCES organizations ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    reference text CHECK (length(reference) BETWEEN 1 AND 100),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 20000),
    price numeric(14, 2) NOT NULL CHECK (price >= 0),
    city text NOT NULL CHECK (length(city) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, title), 'A')
        || setweight(to_tsvector('simple'::regconfig, city), 'B')
        || setweight(to_tsvector('simple'::regconfig, description), 'C')
    ) STORED,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, reference)
);
CREATE INDEX ON properties (organization_id, created_at DESC, id);
CREATE INDEX ON properties (organization_id, city);
CREATE INDEX ON properties USING gin (search);
ALTER TABLE properties ENABLE ROW LEVEL SECURITY;
ALTER TABLE properties FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON properties
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON properties TO application;

CREATE TABLE property_images (
    organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid
        REFERENCES organizations ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    property_id uuid NOT NULL,
    object_key text NOT NULL CHECK (length(object_key) BETWEEN 1 AND 1024),
    content_type text NOT NULL CHECK (length(content_type) BETWEEN 1 AND 200),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, object_key),
    FOREIGN KEY (organization_id, property_id) REFERENCES properties (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX ON property_images (organization_id, property_id);
ALTER TABLE property_images ENABLE ROW LEVEL SECURITY;
ALTER TABLE property_images FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON property_images
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON property_images TO application;

CREATE TABLE documents (
    organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid
        REFERENCES organizations ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
    object_key text NOT NULL CHECK (length(object_key) BETWEEN 1 AND 1024),
    content_type text NOT NULL CHECK (length(content_type) BETWEEN 1 AND 200),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, object_key)
);
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON documents
    USING (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid)
    WITH CHECK (organization_id = nullif(current_setting('app.organization_id', true), '')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO application;

-- The reader's own rights decide, and a condition of the reader's is never tried on another's row.
CREATE VIEW listings WITH (security_invoker = true, security_barrier = true) AS
SELECT
    property.organization_id,
    property.id,
    property.reference,
    property.title,
    property.price,
    property.city,
    property.created_at,
    (
        SELECT count(*) FROM property_images AS image
        WHERE image.organization_id = property.organization_id AND image.property_id = property.id
    ) AS images
FROM properties AS property;
GRANT SELECT ON listings TO application;

-- migrate:down
DROP VIEW listings;
DROP TABLE documents, property_images, properties;
