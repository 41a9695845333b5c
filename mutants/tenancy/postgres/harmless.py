"""Changes that are done right: no control may raise an alarm about any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.outcome import Outcome
from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from constat.mutant import Mutant

CONTROLS: Final = tuple(f"TEN-PG-{number:02}" for number in range(1, 16))
_MINE: Final = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"
_OWNED: Final = (
    "organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid "
    "REFERENCES organizations ON DELETE CASCADE"
)


def _guarded(table: str) -> str:
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY; "
        f"CREATE POLICY tenant ON {table} USING ({_MINE}) WITH CHECK ({_MINE}); ALTER TABLE {table} OWNER TO owner"
    )


def _harmless(change_id: str, title: str, *, plant: str, revert: str, holds: str) -> Mutant:
    return mutant(change_id, title, plant=f"{revert}; {plant}", revert=revert, holds=holds, controls=CONTROLS, expects=Outcome.PASS)


def _relation(change_id: str, title: str, *, name: str, plant: str, drop: str = "TABLE") -> Mutant:
    """A new relation; it is taken away again by dropping it."""
    exists = f"SELECT to_regclass('{name}') IS NOT NULL"
    return _harmless(change_id, title, plant=plant, revert=f"DROP {drop} IF EXISTS {name}", holds=exists)


MUTANTS: Final = (
    _relation(
        "SAFE-TEN-PG-01",
        "a new tenant table, with its policy, references within the tenant, and an enumeration by check",
        name="visits",
        plant=f"CREATE TABLE visits ({_OWNED}, id uuid NOT NULL DEFAULT gen_random_uuid(), lead_id uuid NOT NULL, "
        "state text NOT NULL CHECK (state IN ('planned', 'done')), note text, rating smallint CHECK (rating BETWEEN 1 AND 5), "
        "PRIMARY KEY (organization_id, id), FOREIGN KEY (organization_id, lead_id) REFERENCES leads (organization_id, id) "
        f"ON DELETE CASCADE); {_guarded('visits')}; GRANT SELECT, INSERT, UPDATE, DELETE ON visits TO application",
    ),
    _harmless(
        "SAFE-TEN-PG-02",
        "a document may belong to a property, by a reference that begins with the tenant",
        plant="ALTER TABLE documents ADD COLUMN property_id uuid; ALTER TABLE documents ADD CONSTRAINT document_property "
        "FOREIGN KEY (organization_id, property_id) REFERENCES properties (organization_id, id)",
        revert="ALTER TABLE documents DROP COLUMN IF EXISTS property_id",
        holds="SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'document_property'",
    ),
    _harmless(
        "SAFE-TEN-PG-03",
        "a function runs with its owner's rights, pins its search path and takes the tenant from the context",
        plant="CREATE FUNCTION own_leads() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
        f"$f$ SELECT count(*) FROM public.leads WHERE {_MINE} $f$; REVOKE ALL ON FUNCTION own_leads() FROM PUBLIC; "
        "GRANT EXECUTE ON FUNCTION own_leads() TO application",
        revert="DROP FUNCTION IF EXISTS own_leads()",
        holds="SELECT prosecdef FROM pg_proc WHERE proname = 'own_leads'",
    ),
    _relation(
        "SAFE-TEN-PG-04",
        "a view runs with its owner's rights behind a barrier, with the tenant's condition in it",
        name="current_leads",
        drop="VIEW",
        plant=f"CREATE VIEW current_leads WITH (security_barrier = true) AS SELECT * FROM leads WHERE {_MINE}; "
        "GRANT SELECT ON current_leads TO application",
    ),
    _relation(
        "SAFE-TEN-PG-05",
        "a view with the reader's own rights, without the tenant's column",
        name="lead_addresses",
        drop="VIEW",
        plant="CREATE VIEW lead_addresses WITH (security_invoker = true) AS SELECT id, name, email FROM leads; "
        "GRANT SELECT ON lead_addresses TO application",
    ),
    _harmless(
        "SAFE-TEN-PG-06",
        "an address is unique within a tenant",
        plant="CREATE UNIQUE INDEX lead_address_of_tenant ON leads (organization_id, lower(email))",
        revert="DROP INDEX IF EXISTS lead_address_of_tenant",
        holds="SELECT to_regclass('lead_address_of_tenant') IS NOT NULL",
    ),
    _harmless(
        "SAFE-TEN-PG-07",
        "a restrictive policy takes more away",
        plant="CREATE POLICY named ON documents AS RESTRICTIVE USING (title <> '')",
        revert="DROP POLICY IF EXISTS named ON documents",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'named'",
    ),
    _relation(
        "SAFE-TEN-PG-08",
        "a table in partitions by time, each of them with the policy",
        name="measurements",
        plant=f"CREATE TABLE measurements ({_OWNED}, at timestamptz NOT NULL, name text NOT NULL, value numeric(6, 2), "
        "PRIMARY KEY (organization_id, at, name)) PARTITION BY RANGE (at); "
        "CREATE TABLE measurements_2026 PARTITION OF measurements FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); "
        "CREATE TABLE measurements_rest PARTITION OF measurements DEFAULT; "
        f"{_guarded('measurements')}; {_guarded('measurements_2026')}; {_guarded('measurements_rest')}; "
        "GRANT SELECT, INSERT ON measurements TO application",
    ),
    _harmless(
        "SAFE-TEN-PG-09",
        "an index, and statistics over two columns",
        plant="CREATE INDEX leads_by_name ON leads (organization_id, name); "
        "CREATE STATISTICS leads_together ON organization_id, property_id FROM leads",
        revert="DROP INDEX IF EXISTS leads_by_name; DROP STATISTICS IF EXISTS leads_together",
        holds="SELECT to_regclass('leads_by_name') IS NOT NULL",
    ),
    _harmless(
        "SAFE-TEN-PG-10",
        "a trigger keeps the time of the last change",
        plant="CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN NEW.updated_at = now(); RETURN NEW; END $f$; "
        "CREATE TRIGGER touched BEFORE UPDATE ON properties FOR EACH ROW EXECUTE FUNCTION touched()",
        revert="DROP TRIGGER IF EXISTS touched ON properties; DROP FUNCTION IF EXISTS touched()",
        holds="SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'touched'",
    ),
    _harmless(
        "SAFE-TEN-PG-11",
        "columns that are computed, and that have a default",
        plant="ALTER TABLE leads ADD COLUMN initials text GENERATED ALWAYS AS (left(name, 2)) STORED, "
        "ADD COLUMN rank integer NOT NULL DEFAULT 0",
        revert="ALTER TABLE leads DROP COLUMN IF EXISTS initials, DROP COLUMN IF EXISTS rank",
        holds="SELECT count(*) = 2 FROM pg_attribute WHERE attrelid = 'leads'::regclass AND attname IN ('initials', 'rank')",
    ),
    _relation(
        "SAFE-TEN-PG-12",
        "a trail that services may only add to",
        name="trail",
        plant=f"CREATE TABLE trail ({_OWNED}, id uuid NOT NULL DEFAULT gen_random_uuid(), line text NOT NULL, "
        f"PRIMARY KEY (organization_id, id)); {_guarded('trail')}; GRANT INSERT ON trail TO application",
    ),
    _relation(
        "SAFE-TEN-PG-13",
        "which document belongs to which property: a table of nothing but references",
        name="property_documents",
        plant=f"CREATE TABLE property_documents ({_OWNED}, property_id uuid NOT NULL, document_id uuid NOT NULL, "
        "PRIMARY KEY (organization_id, property_id, document_id), "
        "FOREIGN KEY (organization_id, property_id) REFERENCES properties (organization_id, id) ON DELETE CASCADE, "
        "FOREIGN KEY (organization_id, document_id) REFERENCES documents (organization_id, id) ON DELETE CASCADE); "
        f"{_guarded('property_documents')}; GRANT SELECT, INSERT, DELETE ON property_documents TO application",
    ),
    _relation(
        "SAFE-TEN-PG-14",
        "a tenant's settings: one row each, of which services may change one column",
        name="preferences",
        plant=f"CREATE TABLE preferences ({_OWNED} PRIMARY KEY, language text NOT NULL DEFAULT 'en', secret text NOT NULL DEFAULT 'x'); "
        f"{_guarded('preferences')}; GRANT SELECT (organization_id, language), UPDATE (language) ON preferences TO application",
    ),
    _relation(
        "SAFE-TEN-PG-15",
        "a table of the operators, which services cannot reach",
        name="operations",
        plant="CREATE TABLE operations (id bigserial PRIMARY KEY, line text NOT NULL)",
    ),
)
