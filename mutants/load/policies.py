"""A mutant that is one more policy on the properties: how it is planted, seen and undone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import psycopg

from constat.clock import monotonic
from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.stack import Postgres, Stack, Tenant

_NAME: Final = "slow_or_wrong"
_DROP: Final = f"DROP POLICY IF EXISTS {_NAME} ON properties"
_POLICIES: Final = """
SELECT polrelid::regclass::text, polname, polcmd, polpermissive, polroles::text,
       pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
FROM pg_policy ORDER BY 1, 2"""
_VICTIM: Final = "t10"
# Enough that a defect in one of ten queries shows.
_LOOKS: Final = 60


def policy(mutant_id: str, title: str, *, condition: Callable[[Stack], str], shows: Callable[[float, int], bool]) -> Mutant:
    """Make a mutant whose policy holds for every row when `condition` does, evaluated once a query.

    `shows` tells by the seconds and the rows of one query of a tenant that owns one
    property whether the defect was met.
    """

    def plant(stack: Stack, state: State) -> None:
        del state  # nothing is needed to undo it
        create: str = f"CREATE POLICY {_NAME} ON properties AS RESTRICTIVE FOR SELECT USING ((SELECT {condition(stack)}))"
        with psycopg.connect(_database(stack).admin_dsn) as oracle:
            oracle.execute(_DROP)
            oracle.execute(create)

    def confirm(stack: Stack, state: State) -> bool:
        del state  # it is looked at through the application's own login
        return any(shows(seconds, rows) for seconds, rows in _looks(stack))

    def revert(stack: Stack, state: State) -> None:
        del state  # nothing is needed to undo it
        with psycopg.connect(_database(stack).admin_dsn) as oracle:
            oracle.execute(_DROP)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.DATABASE,
        controls=("LOA-01",),
        plant=plant,
        confirm=confirm,
        revert=revert,
        fingerprint=_fingerprint,
    )


def _fingerprint(stack: Stack) -> str:
    with psycopg.connect(_database(stack).admin_dsn) as oracle:
        return "\n".join(map(repr, oracle.execute(_POLICIES)))


def _looks(stack: Stack) -> Iterator[tuple[float, int]]:
    """Seconds and rows of one query of the victim, again and again; nothing of it stays."""
    with psycopg.connect(_database(stack).app_dsn, prepare_threshold=None) as application:
        application.execute("SELECT set_config('app.organization_id', %s, true)", (victim(stack).organization_id,))
        application.execute("INSERT INTO properties (title, price, city) VALUES (%s, 1, 'Liège')", (str(uuid.uuid4()),))
        for _ in range(_LOOKS):
            start = monotonic()
            rows = len(application.execute("SELECT id FROM properties LIMIT 1").fetchall())
            yield monotonic() - start, rows
        application.rollback()


def victim(stack: Stack) -> Tenant:
    """The tenant that suffers where not all do: one that the load uses."""
    if _VICTIM not in stack.tenants:
        msg = f"the stack has no tenant {_VICTIM!r} (known: {', '.join(stack.tenants) or 'none'}); declare it in the target"
        raise Unobservable(msg)
    return stack.tenants[_VICTIM]


def _database(stack: Stack) -> Postgres:
    if stack.postgres is None:
        msg = "the stack has no database to plant anything in"
        raise Unobservable(msg)
    return stack.postgres
