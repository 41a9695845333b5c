"""Hundreds of requests of two tenants, interleaved through the application's own path, many of them ending badly.

The size of the pool is not touched: which server connection served whom is recorded, and
the verdict needs that enough of them passed from one tenant to the other.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat.clock import monotonic
from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.seeds import named
from suites.tenancy.postgres.sessions import connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg import Connection

    from constat.observe.relations import Relation
    from suites.tenancy.postgres.field import Field

CLIENTS: Final = 8
REQUESTS: Final = 40  # of each client
HANDED_OVER: Final = 50  # server connections that passed from one tenant to the other, at least
ENDINGS: Final = ("commit", "rollback", "error", "timeout", "cancel", "disconnect", "session setting", "nobody")
_WILLED: Final = (psycopg.errors.DivisionByZero, psycopg.errors.QueryCanceled)


@dataclass(frozen=True, kw_only=True)
class Served:
    """One request: whose it was (empty for nobody's), how it ended, what it saw, and which server connection it had."""

    tenant: str
    ending: str
    seen: frozenset[str]  # whose canaries came back
    backend: int
    at: float  # seconds of the monotonic clock


def attacked(field: Field) -> Iterator[Judgement]:
    """Let the clients loose, then judge everything that came back."""
    relation = next((r for r in field.reachable if "SELECT" in r.privileges and (r.oid, field.pair[1]) in field.seeder.seeds), None)
    if relation is None:
        yield Judgement(subject="requests", outcome=Outcome.NOT_REVIEWED, reason="the application can read no seeded relation")
        return
    with concurrent.futures.ThreadPoolExecutor(CLIENTS, thread_name_prefix="client") as pool:
        jobs = [pool.submit(_client, field, relation, number) for number in range(CLIENTS)]
        served = [one for job in jobs for one in job.result()]
    yield from judge_served(served)


def judge_served(served: Sequence[Served]) -> Iterator[Judgement]:
    """One judgement for each way to end, and whether the tenants met on the same server connections at all."""
    for ending in sorted({one.ending for one in served}):
        yield _judge_ending(ending, [one for one in served if one.ending == ending])
    met = handed_over(served)
    yield Judgement(
        subject="shared connections",
        outcome=Outcome.PASS if met >= HANDED_OVER else Outcome.INCONCLUSIVE,
        reason=f"{met} times one tenant got the server connection that another had just used, in {len(served)} requests",
        expected=HANDED_OVER,
        observed=met,
    )


def handed_over(served: Sequence[Served]) -> int:
    """How often two requests that followed each other on a server connection were of different tenants."""
    ordered = sorted(served, key=lambda one: (one.backend, one.at))
    return sum(one.backend == other.backend and one.tenant != other.tenant for one, other in itertools.pairwise(ordered))


def _judge_ending(ending: str, served: list[Served]) -> Judgement:
    foreign = [one for one in served if one.seen - {one.tenant}]
    blind = [one for one in served if one.tenant and one.tenant not in one.seen]
    if foreign:
        outcome, reason = Outcome.FAIL, f"{len(foreign)} of {len(served)} requests saw another tenant's row"
    elif blind:
        outcome, reason = Outcome.ERROR, f"{len(blind)} of {len(served)} requests did not see their own row"
    else:
        outcome, reason = Outcome.PASS, f"{len(served)} requests saw their own rows only"
    return Judgement(subject=f"requests that end with {ending}", outcome=outcome, reason=reason, expected=0, observed=len(foreign))


def _client(field: Field, relation: Relation, number: int) -> list[Served]:
    """One client: its requests are now one tenant's and now the other's, as a service's are."""
    served = []
    connection = connect(field.database.pooler_dsn)
    try:
        for place in range(REQUESTS):
            ending = ENDINGS[(place + number) % len(ENDINGS)]
            tenant = "" if ending == "nobody" else field.pair[(place // 2 + number) % 2]
            if connection.closed:
                connection = connect(field.database.pooler_dsn)
            served.append(_request(field, relation, connection, tenant=tenant, ending=ending))
    finally:
        connection.close()
    return served


def _request(field: Field, relation: Relation, connection: Connection[Any], *, tenant: str, ending: str) -> Served:
    query = sql.SQL("SELECT pg_backend_pid(), coalesce((SELECT string_agg(r::text, ' ') FROM {} AS r), '')").format(named(relation))
    connection.execute(b"BEGIN")
    try:
        if tenant:
            connection.execute("SELECT set_config(%s, %s, true)", [field.database.context_setting, field.organizations[tenant]])
        row = connection.execute(query).fetchone()
    except psycopg.errors.InvalidTextRepresentation:  # an empty context that is no uuid: refused, too
        row = (0, "")
    at = monotonic()
    backend, text = row or (0, "")
    _end(field, connection, tenant, ending)
    canaries = {name: field.seeder.seeds[relation.oid, name].canary for name in field.pair}
    return Served(
        tenant=tenant, ending=ending, seen=frozenset(name for name, canary in canaries.items() if canary in text), backend=backend, at=at
    )


def _end(field: Field, connection: Connection[Any], tenant: str, ending: str) -> None:
    """End the request as asked; the error that comes of it is what is wanted."""
    if ending == "disconnect":
        connection.close()
        return
    try:
        if ending == "error":
            connection.execute(b"SELECT 1 / 0")
        elif ending == "timeout":
            connection.execute(b"SET LOCAL statement_timeout = 5; SELECT count(*) FROM generate_series(1, 100000000)")
        elif ending == "cancel":
            threading.Timer(0.01, connection.cancel_safe).start()
            connection.execute(b"SET LOCAL statement_timeout = 1000; SELECT count(*) FROM generate_series(1, 100000000)")
        elif ending == "session setting" and tenant:
            setting = sql.SQL("SELECT set_config({}, {}, false)").format(field.database.context_setting, field.organizations[tenant])
            connection.execute(setting)
    except _WILLED:
        connection.execute(b"ROLLBACK")
        return
    connection.execute(b"ROLLBACK" if ending == "rollback" else b"COMMIT")
