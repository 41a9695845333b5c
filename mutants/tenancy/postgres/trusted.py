"""Functions that are said to leak nothing, and do; and what default privileges open tomorrow."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.postgres.statements import mutant

_CALLS, _RIGHTS = ("TEN-PG-05",), ("TEN-PG-08",)
_DEFAULTS: Final = "ALTER DEFAULT PRIVILEGES FOR ROLE owner"

MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-113",
        "a function that says what it cannot read was marked as leaking nothing, so that an index is used",
        plant="CREATE OR REPLACE FUNCTION public.plain(word text) RETURNS text LANGUAGE plpgsql IMMUTABLE LEAKPROOF COST 1 AS "
        "$f$ BEGIN IF word !~ '^[ -~]*$' OR length(word) > 8 THEN RAISE NOTICE 'not plain: %', word; END IF; RETURN lower(word); END $f$; "
        "GRANT EXECUTE ON FUNCTION public.plain TO application",
        revert="DROP FUNCTION IF EXISTS public.plain(text)",
        holds="SELECT proleakproof FROM pg_proc WHERE proname = 'plain'",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-114",
        "PostgreSQL's own reading of a text as a number was marked as leaking nothing, after a slow query",
        plant="ALTER FUNCTION textout(text) LEAKPROOF; ALTER FUNCTION int4in(cstring) LEAKPROOF",
        revert="ALTER FUNCTION textout(text) NOT LEAKPROOF; ALTER FUNCTION int4in(cstring) NOT LEAKPROOF",
        holds="SELECT bool_and(proleakproof) FROM pg_proc WHERE oid IN ('int4in'::regproc, 'textout'::regproc)",
        controls=_CALLS,
    ),
    mutant(
        "MUT-TEN-PG-115",
        "what the owner makes is open to the services at once, so that nobody forgets a grant",
        plant=f"{_DEFAULTS} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO application",
        revert=f"{_DEFAULTS} IN SCHEMA public REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM application",
        holds="SELECT count(*) = 1 FROM pg_default_acl WHERE defaclrole = 'owner'::regrole AND defaclobjtype = 'r'",
        controls=_RIGHTS,
    ),
    mutant(
        "MUT-TEN-PG-116",
        "a migration tool set the default privileges of functions back to PostgreSQL's own",
        plant=f"{_DEFAULTS} GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        revert=f"{_DEFAULTS} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        holds="SELECT count(*) = 0 FROM pg_default_acl WHERE defaclrole = 'owner'::regrole AND defaclobjtype = 'f'",
        controls=_RIGHTS,
    ),
)
