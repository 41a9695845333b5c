"""Database logins that should not be there, or that can do too much."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.postgres.statements import mutant

_LOGINS: Final = ("SEC-LOG-01",)

MUTANTS: Final = (
    mutant(
        "MUT-SEC-LOG-01",
        "a login for a dashboard was created by hand, and nobody wrote it down",
        plant="CREATE ROLE dashboard LOGIN IN ROLE application",
        revert="DROP ROLE IF EXISTS dashboard",
        holds="SELECT count(*) = 1 FROM pg_roles WHERE rolname = 'dashboard' AND rolcanlogin",
        controls=_LOGINS,
    ),
    mutant(
        "MUT-SEC-LOG-02",
        "the application may read all data, since a report needed it",
        plant="GRANT pg_read_all_data TO app",
        revert="REVOKE pg_read_all_data FROM app",
        holds="SELECT pg_has_role('app', 'pg_read_all_data', 'USAGE')",
        controls=_LOGINS,
    ),
    mutant(
        "MUT-SEC-LOG-03",
        "row level security does not apply to the application, since a migration was slow",
        plant="ALTER ROLE app BYPASSRLS",
        revert="ALTER ROLE app NOBYPASSRLS",
        holds="SELECT rolbypassrls FROM pg_roles WHERE rolname = 'app'",
        controls=_LOGINS,
    ),
    mutant(
        "MUT-SEC-LOG-04",
        "a group that the application is in may run programs on the server",
        plant="GRANT pg_execute_server_program TO application",
        revert="REVOKE pg_execute_server_program FROM application",
        holds="SELECT pg_has_role('app', 'pg_execute_server_program', 'MEMBER')",
        controls=_LOGINS,
    ),
    mutant(
        "MUT-SEC-LOG-05",
        "a login that looks as if it was issued, and never expires",
        plant='CREATE ROLE "issued-app-forever" LOGIN IN ROLE application',
        revert='DROP ROLE IF EXISTS "issued-app-forever"',
        holds="SELECT rolvaliduntil IS NULL FROM pg_roles WHERE rolname = 'issued-app-forever'",
        controls=_LOGINS,
    ),
    mutant(
        "MUT-SEC-LOG-06",
        "the application can take the owner's role, though it does not inherit it",
        plant="ALTER ROLE app NOINHERIT; GRANT owner TO app",
        revert="REVOKE owner FROM app; ALTER ROLE app INHERIT",
        holds="SELECT pg_has_role('app', 'owner', 'MEMBER') AND NOT pg_has_role('app', 'owner', 'USAGE')",
        controls=_LOGINS,
    ),
)
