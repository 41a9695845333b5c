"""Contexts that are somebody's though nobody has set them."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.postgres.statements import mutant

_CONTEXT: Final = ("TEN-PG-07",)
_THIRD: Final = "11111111-0000-4000-8000-000000000002"
_SETTING: Final = "current_setting('app.organization_id', true)"
_MINE: Final = f"organization_id = nullif({_SETTING}, '')::uuid"

MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-30",
        "somebody stored a context for the application's login while debugging",
        plant=f"ALTER ROLE app SET app.organization_id = '{_THIRD}'",
        revert="ALTER ROLE app RESET app.organization_id",
        holds="SELECT count(*) = 1 FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting LIKE 'app.organization_id=%'",
        controls=_CONTEXT,
    ),
    mutant(
        "MUT-TEN-PG-31",
        "the database itself has a default tenant, from the days when there was one",
        plant=f"ALTER DATABASE viridial SET app.organization_id = '{_THIRD}'",
        revert="ALTER DATABASE viridial RESET app.organization_id",
        holds="SELECT count(*) = 1 FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting LIKE 'app.organization_id=%'",
        controls=_CONTEXT,
    ),
    mutant(
        "MUT-TEN-PG-32",
        "a policy compares by the beginning of the id, for readable ids in a test",
        plant="DROP POLICY tenant ON leads; CREATE POLICY tenant ON leads USING "
        f"(organization_id::text LIKE nullif({_SETTING}, '') || '%')",
        revert=f"DROP POLICY IF EXISTS tenant ON leads; CREATE POLICY tenant ON leads USING ({_MINE}) WITH CHECK ({_MINE})",
        holds="SELECT qual LIKE '%~~%' FROM pg_policies WHERE tablename = 'leads' AND policyname = 'tenant'",
        controls=_CONTEXT,
    ),
    mutant(
        "MUT-TEN-PG-33",
        "a policy's function reads the context and is marked IMMUTABLE, so that a plan keeps the first tenant's",
        plant="CREATE OR REPLACE FUNCTION current_organization() RETURNS uuid LANGUAGE plpgsql IMMUTABLE AS "
        "$f$ BEGIN RETURN nullif(current_setting('app.organization_id', true), '')::uuid; END $f$; "
        "GRANT EXECUTE ON FUNCTION current_organization TO application; DROP POLICY IF EXISTS cached ON properties; "
        "CREATE POLICY cached ON properties FOR SELECT USING (organization_id = current_organization())",
        revert="DROP POLICY IF EXISTS cached ON properties; DROP FUNCTION IF EXISTS current_organization()",
        holds="SELECT count(*) = 1 FROM pg_policies WHERE policyname = 'cached'",
        controls=_CONTEXT,
    ),
    mutant(
        "MUT-TEN-PG-34",
        "a client that sends the word null for its tenant is taken for support, who may read all",
        plant="DROP POLICY tenant ON documents; CREATE POLICY tenant ON documents USING "
        f"({_SETTING} = 'null' OR organization_id::text = {_SETTING})",
        revert=f"DROP POLICY IF EXISTS tenant ON documents; CREATE POLICY tenant ON documents USING ({_MINE}) WITH CHECK ({_MINE})",
        holds="SELECT qual LIKE '%null%' FROM pg_policies WHERE tablename = 'documents' AND policyname = 'tenant'",
        controls=_CONTEXT,
    ),
)
