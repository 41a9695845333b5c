"""Rights that the application's login should not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from constat.mutant import Mutant

RIGHTS, BESIDE = ("TEN-PG-08",), ("TEN-PG-09",)


def _granted(mutant_id: str, title: str, *, function: str) -> Mutant:
    """A function of the server's own that was granted to the application."""
    return mutant(
        mutant_id,
        title,
        plant=f"GRANT EXECUTE ON FUNCTION {function} TO application",
        revert=f"REVOKE EXECUTE ON FUNCTION {function} FROM application",
        holds=f"SELECT has_function_privilege('application', '{function}', 'EXECUTE')",
        controls=BESIDE,
    )


MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-40",
        "the application may become the backup's login, which sees past every policy",
        plant="GRANT backup TO app",
        revert="REVOKE backup FROM app",
        holds="SELECT pg_has_role('app', 'backup', 'MEMBER')",
        controls=RIGHTS,
    ),
    mutant(
        "MUT-TEN-PG-41",
        "services create their tables themselves, in the schema that everybody uses",
        plant="GRANT CREATE ON SCHEMA public TO application",
        revert="REVOKE CREATE ON SCHEMA public FROM application",
        holds="SELECT has_schema_privilege('app', 'public', 'CREATE')",
        controls=RIGHTS,
    ),
    mutant(
        "MUT-TEN-PG-42",
        "a table belongs to the application's login, since a service created it",
        plant="ALTER TABLE documents OWNER TO app",
        revert="ALTER TABLE documents OWNER TO owner; REVOKE ALL ON documents FROM app; "
        "GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO application",
        holds="SELECT relowner = 'app'::regrole FROM pg_class WHERE oid = 'documents'::regclass",
        controls=RIGHTS,
    ),
    mutant(
        "MUT-TEN-PG-43",
        "everything was granted on a table, triggers too",
        plant="GRANT TRIGGER ON leads TO application",
        revert="REVOKE TRIGGER ON leads FROM application",
        holds="SELECT has_table_privilege('app', 'leads', 'TRIGGER')",
        controls=RIGHTS,
    ),
    mutant(
        "MUT-TEN-PG-44",
        "a second login for the services is past every policy",
        plant="CREATE ROLE reports LOGIN BYPASSRLS IN ROLE application",
        revert="DROP ROLE IF EXISTS reports",
        holds="SELECT rolbypassrls FROM pg_roles WHERE rolname = 'reports'",
        controls=RIGHTS,
    ),
    mutant(
        "MUT-TEN-PG-45",
        "temporary tables were allowed for an export",
        plant="GRANT TEMPORARY ON DATABASE viridial TO application",
        revert="REVOKE TEMPORARY ON DATABASE viridial FROM application",
        holds="SELECT has_database_privilege('app', 'viridial', 'TEMPORARY')",
        controls=BESIDE,
    ),
    mutant(
        "MUT-TEN-PG-46",
        "the services may read the server's files, for an import",
        plant="GRANT pg_read_server_files TO app",
        revert="REVOKE pg_read_server_files FROM app",
        holds="SELECT pg_has_role('app', 'pg_read_server_files', 'USAGE')",
        controls=BESIDE,
    ),
    mutant(
        "MUT-TEN-PG-47",
        "everybody sees what the others are running, as PostgreSQL has it",
        plant="GRANT SELECT ON pg_stat_activity TO PUBLIC; GRANT EXECUTE ON FUNCTION pg_stat_get_activity(integer) TO PUBLIC",
        revert="REVOKE SELECT ON pg_stat_activity FROM PUBLIC; REVOKE EXECUTE ON FUNCTION pg_stat_get_activity(integer) FROM PUBLIC",
        holds="SELECT has_table_privilege('app', 'pg_stat_activity', 'SELECT')",
        controls=BESIDE,
    ),
    _granted("MUT-TEN-PG-48", "attachments are kept as large objects, which have no tenant", function="lo_from_bytea(oid, bytea)"),
    _granted("MUT-TEN-PG-49", "jobs take advisory locks, whose numbers all tenants share", function="pg_try_advisory_lock(bigint)"),
    _granted("MUT-TEN-PG-50", "a service ends sessions that hang, anybody's", function="pg_terminate_backend(integer, bigint)"),
    _granted("MUT-TEN-PG-51", "services tell each other of changes on channels that everybody hears", function="pg_notify(text, text)"),
    _granted("MUT-TEN-PG-52", "a service may list directories of the server", function="pg_ls_dir(text)"),
    _granted("MUT-TEN-PG-53", "a dashboard measures the whole database", function="pg_database_size(name)"),
)
