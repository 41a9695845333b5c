"""Keys that tell of a neighbour late or by a change, policies that look beside the tenant, and changes done right."""

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
    "REFERENCES organizations ON DELETE CASCADE, id uuid NOT NULL DEFAULT gen_random_uuid()"
)


def _table(change_id: str, title: str, *, name: str, columns: str) -> Mutant:
    """A new table of tenants, guarded as the others are."""
    return mutant(
        change_id,
        title,
        plant=f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({_OWNED}, {columns}, PRIMARY KEY (organization_id, id)); "
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY; "
        f"CREATE POLICY tenant ON {name} USING ({_MINE}) WITH CHECK ({_MINE}); ALTER TABLE {name} OWNER TO owner; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO application",
        revert=f"DROP TABLE IF EXISTS {name}",
        holds=f"SELECT to_regclass('{name}') IS NOT NULL",
        controls=CONTROLS,
        expects=Outcome.PASS,
    )


MUTANTS: Final = (
    _table("SAFE-TEN-PG-20", "a table of numbers, without any text", name="readings", columns="amount integer NOT NULL, at date"),
    mutant(
        "SAFE-TEN-PG-21",
        "a tenant may change one new column of its own record, which is empty so far",
        plant="ALTER TABLE organizations ADD COLUMN IF NOT EXISTS motto text; GRANT UPDATE (motto) ON organizations TO application",
        revert="ALTER TABLE organizations DROP COLUMN IF EXISTS motto",
        holds="SELECT has_column_privilege('application', 'organizations', 'motto', 'UPDATE')",
        controls=CONTROLS,
        expects=Outcome.PASS,
    ),
    _table(
        "SAFE-TEN-PG-22",
        "a table with columns of unusual types",
        name="switches",
        columns="name text, flags bit(3) NOT NULL, mask bit varying(5) NOT NULL, seen pg_snapshot NOT NULL, place tid NOT NULL",
    ),
    mutant(
        "MUT-TEN-PG-80",
        "an address is unique among everybody's leads, and the constraint tells at COMMIT only",
        plant="ALTER TABLE leads ADD CONSTRAINT lead_address UNIQUE (email) DEFERRABLE INITIALLY DEFERRED",
        revert="ALTER TABLE leads DROP CONSTRAINT IF EXISTS lead_address",
        holds="SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'lead_address' AND condeferred",
        controls=("TEN-PG-10",),
    ),
    mutant(
        "MUT-TEN-PG-81",
        "an organization may rename itself, and no two may have the same name",
        plant="ALTER TABLE organizations ADD CONSTRAINT one_name UNIQUE (name); GRANT UPDATE (name) ON organizations TO application",
        revert="ALTER TABLE organizations DROP CONSTRAINT IF EXISTS one_name; REVOKE UPDATE (name) ON organizations FROM application",
        holds="SELECT count(*) = 1 FROM pg_constraint WHERE conname = 'one_name'",
        controls=("TEN-PG-10",),
    ),
    mutant(
        "MUT-TEN-PG-82",
        "a policy shows what is older than a year to everybody, and nothing is yet",
        plant="CREATE POLICY history ON leads FOR SELECT USING (created_at < now() - interval '1 year')",
        revert="DROP POLICY IF EXISTS history ON leads",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'history'",
        controls=("TEN-PG-14",),
    ),
    mutant(
        "MUT-TEN-PG-83",
        "a policy asks for the tenant, or for a role that nobody in the test has",
        plant=f"CREATE POLICY helped ON documents USING ({_MINE} OR current_setting('app.role', true) = 'support')",
        revert="DROP POLICY IF EXISTS helped ON documents",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'helped'",
        controls=("TEN-PG-14",),
    ),
    mutant(
        "MUT-TEN-PG-84",
        "whoever is told by push is told once, whoever's customer that is: a unique index of some rows",
        plant="CREATE UNIQUE INDEX pushed_once ON notifications (recipient) WHERE channel = 'push'",
        revert="DROP INDEX IF EXISTS pushed_once",
        holds="SELECT to_regclass('pushed_once') IS NOT NULL",
        controls=("TEN-PG-10",),
    ),
    mutant(
        "SAFE-TEN-PG-23",
        "a recipient is told by push once a tenant, as long as it has not been sent",
        plant="CREATE UNIQUE INDEX pushed_once ON notifications (organization_id, recipient) WHERE channel = 'push' AND sent_at IS NULL",
        revert="DROP INDEX IF EXISTS pushed_once",
        holds="SELECT to_regclass('pushed_once') IS NOT NULL",
        controls=CONTROLS,
        expects=Outcome.PASS,
    ),
    mutant(
        "MUT-TEN-PG-88",
        "an organization may rename itself, and no two may have names that differ in case alone",
        plant="CREATE UNIQUE INDEX one_name_any_case ON organizations (lower(name)); GRANT UPDATE (name) ON organizations TO application",
        revert="DROP INDEX IF EXISTS one_name_any_case; REVOKE UPDATE (name) ON organizations FROM application",
        holds="SELECT to_regclass('one_name_any_case') IS NOT NULL",
        controls=("TEN-PG-10",),
    ),
)
