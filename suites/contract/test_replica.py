"""Replicas: each way to the database ends at a server of the part that it promises, and a replica is not behind."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from constat import deadlines, entries, wait
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Judgement
from constat.observe import replication
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.entries import Entry
    from constat.judgement import Findings
    from constat.stack import Postgres, Stack

FAMILY: Final = "replica-"


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to the database, and whether a primary is at its end."""

    name: str
    dsn: str
    to_primary: bool


@control(
    "CON-REP-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("postgres", "tenants"),
    promises=("discovery",),
    refs=("ISO 27001 A.8.14", "SOC 2 A1.2"),
    remediation="Let the way that is named lead to a server of its part, and find out what keeps the replica from applying what it gets.",
)
def test_every_way_leads_to_its_part(stack: Stack, attack_pair: tuple[str, str], findings: Findings) -> None:
    """Writes end at the primary, reads at a replica, and what is acknowledged is read there within the promised time."""
    assert stack.postgres is not None  # the control needs it
    findings.judge(_look(stack.postgres, stack.tenants[attack_pair[0]].organization_id))


def _look(postgres: Postgres, organization: str) -> Iterator[Judgement]:
    for way in ways(postgres):
        try:
            yield judge_way(way, is_replica=_is_replica(way))
        except psycopg.OperationalError as problem:
            yield judge_way(way, is_replica=None, why=str(problem).strip())
    standbys = [member.node for member in replication.members(postgres) if not member.is_primary]
    places = {node.name: replication.node_dsn(postgres, node) for node in postgres.nodes if node.name in standbys}
    with _written(postgres, organization) as entry:
        for name, dsn in {"the read-only way": postgres.replica_dsn, **places}.items():
            yield _arrived(postgres, entry, name=name, dsn=dsn)


def ways(postgres: Postgres) -> tuple[Way, ...]:
    """Every way that the handle names."""
    return (
        Way(name="operator's way", dsn=postgres.admin_dsn, to_primary=True),
        Way(name="read-write way", dsn=postgres.app_dsn, to_primary=True),
        Way(name="migrator's way", dsn=postgres.migrator_dsn, to_primary=True),
        Way(name="pooler's way", dsn=postgres.pooler_dsn, to_primary=True),
        Way(name="read-only way", dsn=postgres.replica_dsn, to_primary=False),
    )


def _is_replica(way: Way) -> bool:
    with entries.connect(way.dsn) as connection:
        row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return bool(row and row[0])


def judge_way(way: Way, *, is_replica: bool | None, why: str = "") -> Judgement:
    """FAIL when nobody answers, or a server of the other part; a pure function."""
    expected = "a primary" if way.to_primary else "a replica"
    seen = "nobody" if is_replica is None else "a replica" if is_replica else "a primary"
    return Judgement(
        subject=way.name,
        outcome=Outcome.PASS if seen == expected else Outcome.FAIL,
        reason=f"it leads to {seen}, expected {expected}{': ' + why if why else ''}",
        expected=expected,
        observed=seen,
    )


@contextlib.contextmanager
def _written(postgres: Postgres, organization: str) -> Iterator[Entry]:
    """A row that was acknowledged by the application's own path, and is removed again."""
    entry = entries.seal(organization, writer=f"{FAMILY}{uuid.uuid4().hex[:12]}", seq=0, previous_hash=entries.FIRST)
    try:
        with entries.connect(postgres.pooler_dsn) as connection, entries.context(connection, postgres, organization):
            entries.insert(connection, entry)
    except psycopg.Error as problem:
        msg = f"no row can be written by the application's path, so none can arrive: {problem}"
        raise Unobservable(msg) from None
    try:
        yield entry
    finally:
        with entries.connect(postgres.admin_dsn) as operator:
            entries.remove(operator, prefix=FAMILY)


def _arrived(postgres: Postgres, entry: Entry, *, name: str, dsn: str) -> Judgement:
    """Read it there until it has come; a session of the tenant's own, as an application reads."""

    def look() -> bool:
        with entries.connect(dsn) as connection:
            return entry in entries.read(connection, postgres, entry.organization_id, prefix=entry.writer)

    try:
        wait.until(
            look,
            what="the row arrives",
            within=deadlines.REPLICA_CURRENT,
            every=0.2,
            retry=(NotReady, Unobservable, psycopg.OperationalError),
            holds=bool,
        )
    except NotReady as problem:
        return judge_arrival(name, str(problem))
    return judge_arrival(name, "")


def judge_arrival(name: str, problem: str) -> Judgement:
    """FAIL for a replica that has not shown what was acknowledged in time; a pure function."""
    return Judgement(
        subject=f"{name} is not behind",
        outcome=Outcome.FAIL if problem else Outcome.PASS,
        reason=problem or f"an acknowledged row was read there within {deadlines.REPLICA_CURRENT:g} s",
        expected="there",
        observed="not there" if problem else "there",
    )
