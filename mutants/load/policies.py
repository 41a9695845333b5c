"""A mutant that is one more policy on the properties: how it is planted, seen and undone."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import psycopg

from constat.clock import monotonic
from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.needed import needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Look = Callable[[psycopg.Connection], int]

    from constat.stack import Stack, Tenant

_NAME: Final = "slow_or_wrong"
_DROP: Final = f"DROP POLICY IF EXISTS {_NAME} ON properties"
_POLICIES: Final = """
SELECT polrelid::regclass::text, polname, polcmd, polpermissive, polroles::text,
       pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
FROM pg_policy ORDER BY 1, 2"""
_VICTIM: Final = "t10"
_CREATE: Final = "INSERT INTO properties (title, price, city) VALUES (%s, 1, 'Liège')"
# Enough that a defect in one of a hundred statements shows.
_LOOKS: Final = 900


def policy(
    mutant_id: str,
    title: str,
    *,
    condition: Callable[[Stack], str],
    shows: Callable[[float, int], bool],
    kind: str = "RESTRICTIVE FOR SELECT USING",
    look: Look | None = None,
) -> Mutant:
    """Make a mutant whose policy holds for every row when `condition` does, evaluated once a statement.

    `shows` tells by the seconds and the rows of one statement of a tenant that owns one
    property whether the defect was met.
    """

    def plant(stack: Stack, state: State) -> None:
        del state  # nothing is needed to undo it
        create: str = f"CREATE POLICY {_NAME} ON properties AS {kind} ((SELECT {condition(stack)}))"
        with psycopg.connect(needed(stack.postgres, "database to plant anything in").admin_dsn) as oracle:
            oracle.execute(_DROP)
            oracle.execute(create)

    def confirm(stack: Stack, state: State) -> bool:
        del state  # it is looked at through the application's own login
        return any(shows(seconds, rows) for seconds, rows in _looks(stack, look or reads))

    def revert(stack: Stack, state: State) -> None:
        del state  # nothing is needed to undo it
        with psycopg.connect(needed(stack.postgres, "database to plant anything in").admin_dsn) as oracle:
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
    with psycopg.connect(needed(stack.postgres, "database to plant anything in").admin_dsn) as oracle:
        return "\n".join(map(repr, oracle.execute(_POLICIES)))


def reads(application: psycopg.Connection) -> int:
    """Look for a property of its own; how many are found."""
    return len(application.execute("SELECT id FROM properties LIMIT 1").fetchall())


def writes(application: psycopg.Connection) -> int:
    """Create one more property."""
    return application.execute(_CREATE, (str(uuid.uuid4()),)).rowcount


def foreign(application: psycopg.Connection) -> int:
    """Look for properties of others; how many are found."""
    seen = "SELECT 1 FROM properties WHERE organization_id <> current_setting('app.organization_id')::uuid LIMIT 1"
    return len(application.execute(seen).fetchall())


def _looks(stack: Stack, look: Look) -> Iterator[tuple[float, int]]:
    """Seconds and rows of one statement of the victim, again and again; nothing of it stays."""
    with psycopg.connect(needed(stack.postgres, "database to plant anything in").app_dsn, prepare_threshold=None) as application:
        application.execute("SELECT set_config('app.organization_id', %s, true)", (victim(stack).organization_id,))
        application.execute(_CREATE, (str(uuid.uuid4()),))
        for _ in range(_LOOKS):
            start = monotonic()
            rows = look(application)
            yield monotonic() - start, rows
        application.rollback()


def victim(stack: Stack) -> Tenant:
    """The tenant that suffers where not all do: one that the load uses."""
    if _VICTIM not in stack.tenants:
        msg = f"the stack has no tenant {_VICTIM!r} (known: {', '.join(stack.tenants) or 'none'}); declare it in the target"
        raise Unobservable(msg)
    return stack.tenants[_VICTIM]
