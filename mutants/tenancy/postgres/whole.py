"""Defects of the whole: what injected SQL reaches, what only looks wrong, what a suite cannot take away, and the pooler's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope
from mutants.tenancy.postgres.statements import mutant

if TYPE_CHECKING:
    from constat.mutant import State
    from constat.stack import Stack

_LOOKS: Final = ("TEN-PG-14",)
_RESET: Final = "server_reset_query_always"


def _console(stack: Stack, statement: bytes) -> list[tuple[Any, ...]]:
    """Ask the pooler's own console; it knows no transactions."""
    if stack.postgres is None:
        msg = "the stack has no pooler to plant anything in"
        raise Unobservable(msg)
    with psycopg.connect(stack.postgres.pooler_admin_dsn, autocommit=True, prepare_threshold=None) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _settings(stack: Stack) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in _console(stack, b"SHOW CONFIG")}


def _unreset(stack: Stack, state: State) -> None:
    del state  # nothing is needed to undo it
    _console(stack, b"SET server_reset_query_always = 0")


def _reset(stack: Stack, state: State) -> None:
    """Reset again, on server connections that nobody has left anything on."""
    del state  # nothing is needed to undo it
    _console(stack, b"SET server_reset_query_always = 1")
    _console(stack, b"RECONNECT")


MUTANTS: Final = (
    mutant(
        "MUT-TEN-PG-70",
        "everybody may run programs in the server, as PostgreSQL has it",
        plant="GRANT USAGE ON LANGUAGE plpgsql TO application",
        revert="REVOKE USAGE ON LANGUAGE plpgsql FROM application",
        holds="SELECT has_language_privilege('app', 'plpgsql', 'USAGE')",
        controls=("TEN-PG-13",),
    ),
    mutant(
        "MUT-TEN-PG-71",
        "FORCE was forgotten on a table, which nobody reaches as its owner yet",
        plant="ALTER TABLE documents NO FORCE ROW LEVEL SECURITY",
        revert="ALTER TABLE documents FORCE ROW LEVEL SECURITY",
        holds="SELECT NOT relforcerowsecurity FROM pg_class WHERE oid = 'documents'::regclass",
        controls=_LOOKS,
    ),
    mutant(
        "MUT-TEN-PG-72",
        "a function runs with its owner's rights by its caller's search path, and reads nothing yet",
        plant="CREATE OR REPLACE FUNCTION version_of_schema() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT ''1''::text'; "
        "GRANT EXECUTE ON FUNCTION version_of_schema TO application",
        revert="DROP FUNCTION IF EXISTS version_of_schema()",
        holds="SELECT proconfig IS NULL FROM pg_proc WHERE proname = 'version_of_schema'",
        controls=_LOOKS,
    ),
    mutant(
        "MUT-TEN-PG-73",
        "a publication carries every table to whoever subscribes, and nobody attacks it",
        plant="CREATE PUBLICATION everything FOR ALL TABLES",
        revert="DROP PUBLICATION IF EXISTS everything",
        holds="SELECT count(*) = 1 FROM pg_publication WHERE pubname = 'everything'",
        controls=_LOOKS,
    ),
    mutant(
        "MUT-TEN-PG-74",
        "a trigger keeps a line of every lead, which outlives the lead",
        plant="CREATE OR REPLACE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$f$ BEGIN INSERT INTO public.events (organization_id, kind) VALUES (NEW.organization_id, 'lead remembered'); RETURN NEW; END $f$; "
        "DROP TRIGGER IF EXISTS remember ON leads; CREATE TRIGGER remember AFTER INSERT ON leads FOR EACH ROW EXECUTE FUNCTION remember()",
        revert="DROP TRIGGER IF EXISTS remember ON leads; DROP FUNCTION IF EXISTS remember(); "
        "DELETE FROM events WHERE kind = 'lead remembered'",
        holds="SELECT count(*) = 1 FROM pg_trigger WHERE tgname = 'remember'",
        controls=("TEN-PG-15",),
    ),
    Mutant(
        id="MUT-TEN-PG-75",
        title="the pooler hands a server connection on with whatever the client before left in it",
        scope=Scope.COMPONENT,
        controls=("TEN-PG-12",),
        plant=_unreset,
        confirm=lambda stack, _state: _settings(stack)[_RESET] == "0",
        revert=_reset,
        fingerprint=lambda stack: f"{_RESET} {_settings(stack)[_RESET]}",
    ),
)
