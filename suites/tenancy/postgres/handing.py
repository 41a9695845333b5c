"""Hand-over: the pooler gives a server connection that one client has used to the next, which must find nothing on it.

The size of the pool is not touched: the next client asks until it gets the very same server connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.seeds import recognising
from suites.tenancy.postgres.sessions import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.seeds import Seed

_NAME: Final = "constat_kept"
_LEAVINGS: Final = 5  # times that it is left behind, should nobody get the connection
_MEETINGS: Final = 60  # tries to get the same server connection
# What a session keeps → how a client leaves it there, and how the next one would find it: true when it is there.
KINDS: Final[dict[str, tuple[str, str]]] = {
    "its context": ("SELECT set_config({setting}, {theirs}, false)", "SELECT coalesce(current_setting({setting}, true), '') <> ''"),
    "another setting": ("SET work_mem = '12345kB'", "SELECT current_setting('work_mem') = '12345kB'"),
    "its search path": ("SET search_path = pg_temp, public", "SELECT current_setting('search_path') LIKE 'pg_temp%'"),
    "a prepared statement": ("PREPARE {name} AS {reading}", "SELECT EXISTS (SELECT FROM pg_prepared_statements WHERE name = {kept})"),
    "an open cursor": (
        "DECLARE {name} CURSOR WITH HOLD FOR {reading}",
        "SELECT EXISTS (SELECT FROM pg_cursors WHERE name = {kept} AND is_holdable)",
    ),
    "a temporary table": ("CREATE TEMPORARY TABLE {name} AS {reading}", "SELECT to_regclass('pg_temp.constat_kept') IS NOT NULL"),
    "a channel": ("LISTEN {name}", "SELECT {kept} IN (SELECT pg_listening_channels())"),
    "a lock": ("SELECT pg_advisory_lock(957957957)", "SELECT pg_advisory_unlock(957957957)"),
}


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What one kind of leaving came to: refused at once, or left behind and found, or not, by the next on the same connection."""

    kind: str
    refusal: str = ""
    met: bool = False
    found: bool = False


def attacked(field: Field) -> Iterator[Judgement]:
    """Each thing that a session can keep, left by the victim's request and looked for by another client."""
    seed = next((one for one in field.victims() if "SELECT" in one.relation.privileges), None)
    if seed is None:
        yield Judgement(
            subject="what a client leaves behind", outcome=Outcome.NOT_REVIEWED, reason="the application can read no seeded relation"
        )
        return
    for kind in KINDS:
        # The pooler may have ended that very server connection meanwhile: then it is left behind on another.
        tries = (_handed(field, seed, kind) for _ in range(_LEAVINGS))
        yield judge(next((seen for seen in tries if seen.met or seen.refusal), Handed(kind=kind)))


def judge(seen: Handed) -> Judgement:
    """FAIL for what the next client finds; INCONCLUSIVE when it never got the same server connection."""
    if seen.refusal:
        outcome, reason = Outcome.PASS, f"cannot be left behind: {seen.refusal}"
    elif not seen.met:
        outcome, reason = Outcome.INCONCLUSIVE, f"no other client got the same server connection in {_MEETINGS} tries"
    elif seen.found:
        outcome, reason = Outcome.FAIL, "the next client finds it on the server connection that it is given"
    else:
        outcome, reason = Outcome.PASS, "the next client on the same server connection does not find it"
    subject = f"{seen.kind}, left behind in the pool"
    return Judgement(subject=subject, outcome=outcome, reason=reason, expected=False, observed=seen.found)


def _handed(field: Field, seed: Seed, kind: str) -> Handed:
    leave, look = (_filled(field, seed, text) for text in KINDS[kind])
    with connect(field.database.pooler_dsn) as victim, connect(field.database.pooler_dsn) as client:
        try:
            backend = _left(field, victim, leave)
        except psycopg.errors.InsufficientPrivilege as problem:
            return Handed(kind=kind, refusal=str(problem.diag.message_primary))
        for _ in range(_MEETINGS):
            own, found = _looked(client, look)
            if own == backend:
                return Handed(kind=kind, met=True, found=found)
    return Handed(kind=kind)


def _left(field: Field, victim: Connection[Any], leave: sql.Composed) -> int:
    """The victim's request, which leaves something behind; the server connection that it had."""
    with victim.transaction():
        victim.execute("SELECT set_config(%s, %s, true)", [field.database.context_setting, field.theirs])
        victim.execute(leave)
        row = victim.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0


def _looked(client: Connection[Any], look: sql.Composed) -> tuple[int, bool]:
    """The server connection that the next client got, and whether what was left is there."""
    with client.transaction():
        row = client.execute(sql.SQL("SELECT pg_backend_pid(), ({})").format(look)).fetchone()
    return (int(row[0]), bool(row[1])) if row else (0, False)


def _filled(field: Field, seed: Seed, text: str) -> sql.Composed:
    return sql.SQL(text).format(
        setting=sql.Literal(field.database.context_setting),
        theirs=sql.Literal(field.theirs),
        name=sql.Identifier(_NAME),
        kept=sql.Literal(_NAME),
        reading=recognising(seed),
    )
