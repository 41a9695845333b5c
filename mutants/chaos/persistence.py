"""A table whose rows are in no log: gone after a failover, and in no restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutants.chaos import cluster

if TYPE_CHECKING:
    from constat.mutant import State
    from constat.stack import Stack

_TABLE: Final = "public.activities"
# The rows that are there already are kept aside: a failover would take them with it.
_ASIDE: Final = "mutant_aside"
_SCRATCH: Final = "public.mutant_import"


def unlog(stack: Stack, state: State) -> None:
    """Make the table unlogged."""
    del state
    cluster.execute(
        stack,
        f"CREATE SCHEMA IF NOT EXISTS {_ASIDE}",
        f"CREATE TABLE IF NOT EXISTS {_ASIDE}.activities AS TABLE {_TABLE}",
        f"ALTER TABLE {_TABLE} SET UNLOGGED",
    )


def is_unlogged(stack: Stack, state: State) -> bool:
    """Whether the catalogue says so."""
    del state
    return cluster.ask(stack, f"SELECT relpersistence FROM pg_class WHERE oid = '{_TABLE}'::regclass") == [("u",)]  # noqa: S608 - a constant


def log(stack: Stack, state: State) -> None:
    """Make it a logged table again, with the rows that it had."""
    del state
    cluster.execute(stack, f"ALTER TABLE {_TABLE} SET LOGGED")
    if cluster.ask(stack, f"SELECT to_regclass('{_ASIDE}.activities') IS NOT NULL") == [(True,)]:
        cluster.execute(stack, f"INSERT INTO {_TABLE} TABLE {_ASIDE}.activities ON CONFLICT DO NOTHING")
    cluster.execute(stack, f"DROP SCHEMA IF EXISTS {_ASIDE} CASCADE")


def fingerprint(stack: Stack) -> str:
    """How the table is kept, what is in it, and how the cluster stands."""
    kept = cluster.ask(stack, f"SELECT relpersistence, relacl::text, relforcerowsecurity FROM pg_class WHERE oid = '{_TABLE}'::regclass")  # noqa: S608 - a constant
    rows = cluster.ask(stack, f"SELECT count(*), md5(string_agg(a::text, '|' ORDER BY a::text)) FROM {_TABLE} AS a")  # noqa: S608 - a constant
    aside = cluster.ask(stack, f"SELECT count(*) FROM pg_namespace WHERE nspname = '{_ASIDE}'")  # noqa: S608 - a constant
    return f"{kept}\n{rows}\n{aside}\n{cluster.standing(stack)}"


def make_scratch(stack: Stack, state: State) -> None:
    """Add an unlogged table beside the platform's own, as an import that was to be fast does."""
    del state
    cluster.execute(stack, f"CREATE UNLOGGED TABLE IF NOT EXISTS {_SCRATCH} (id bigint PRIMARY KEY)")


def has_scratch(stack: Stack, state: State) -> bool:
    """Whether the catalogue has it, in no log."""
    del state
    return cluster.ask(stack, f"SELECT relpersistence FROM pg_class WHERE oid = to_regclass('{_SCRATCH}')") == [("u",)]  # noqa: S608 - a constant


def drop_scratch(stack: Stack, state: State) -> None:
    """Remove it."""
    del state
    cluster.execute(stack, f"DROP TABLE IF EXISTS {_SCRATCH}")


def scratch_fingerprint(stack: Stack) -> str:
    """Whether it is there, and how the cluster stands."""
    absent = cluster.ask(stack, f"SELECT to_regclass('{_SCRATCH}') IS NULL")
    return f"{absent}\n{cluster.standing(stack)}"
