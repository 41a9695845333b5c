"""Search: a tenant finds what is its own, in whatever way it asks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.gateway import attack
from suites.tenancy.gateway.oracle import Oracle
from suites.tenancy.gateway.routes import own
from suites.tenancy.search import meilisearch
from suites.tenancy.search.questions import searching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage


@control(
    "TEN-SEA-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("gateway", "services", "search", "tenants", "postgres"),
    promises=("isolation.gateway",),
    refs=("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639", "CWE-89"),
    remediation="Restrict every query to the token's tenant in the engine itself: by row level security, or by a token with a tenant rule.",
)
def test_a_tenant_finds_nothing_of_another(stage: Stage, findings: Findings) -> None:
    """No operator, wildcard, field, suggestion or piece of code in a search finds, counts or betrays what is another tenant's."""
    findings.judge(_judged(stage))


def searches(stage: Stage) -> list[Way]:
    """Every operation of the service that answers searches which takes words, and every other that calls itself a search."""
    search = stage.stack.search
    served = {name for name, url in stage.stack.services.items() if search and url == search.url}
    return [
        way
        for way in stage.ways
        if way.method == "GET" and way.query_names and not way.public and (way.service in served or "search" in way.path)
    ]


def _judged(stage: Stage) -> Iterator[Judgement]:
    oracle = Oracle(stage.stack, stage.theirs.tenant, stage.theirs.canary)
    known, tried = searches(stage), set()
    with contextlib.closing(oracle):
        for way in known:
            for door in stage.doors(way):
                if (judgement := _one(stage, way, door, oracle)) is not None:
                    tried |= {way} if judgement.outcome is not Outcome.NOT_REVIEWED else set()
                    yield judgement
    yield from meilisearch.judged(stage.stack, stage.mine, stage.theirs)
    what = f"searches of engine {stage.stack.search.kind!r}" if stage.stack.search else "searches"
    yield coverage(len(tried), len(known), what=what, left_out=tuple(str(way) for way in known if way not in tried))


def _one(stage: Stage, way: Way, door: Door, oracle: Oracle) -> Judgement | None:
    try:
        approach = attack.approached(stage, door, way)
        if isinstance(approach, attack.Approach):
            for resident in (stage.mine, stage.theirs):
                _finds(door, way, resident)
    except Unobservable as problem:
        return Judgement(subject=f"{door.name} {way}", outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return attack.attacked(approach, oracle, searching, store="search") if isinstance(approach, attack.Approach) else approach


def _finds(door: Door, way: Way, resident: Resident) -> None:
    """Unobservable unless a tenant finds what is its own: a search that finds nothing keeps nothing apart."""
    reply = attack.refused(door, own(way, resident), resident.token)
    if not any(value in reply.text for value in (resident.canary, *resident.places.values())):
        msg = f"{resident.tenant!r} does not find what is its own by {way}: {reply.status} {reply.text[:120]}"
        raise Unobservable(msg)
