"""Routes: whatever a client points at or names, a tenant's token reaches what is that tenant's and nothing else."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.gateway import attack, routers, undescribed
from suites.tenancy.gateway.oracle import Oracle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.attack import Variations
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage

NEEDS: Final = ("gateway", "services", "tenants", "postgres")
PROMISES: Final = ("isolation.gateway",)
AT_ONCE: Final = 4


@control(
    "TEN-API-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=("OWASP API1:2023", "OWASP API5:2023", "ISO 27001 A.8.3", "CWE-639"),
    remediation="Look the thing up in the context of the token's tenant, and answer what is another's as what does not exist.",
)
def test_a_token_reaches_nothing_of_another_tenant(stage: Stage, findings: Findings) -> None:
    """No id in path, query or body, no verb and no spelling of a path reaches another tenant's things, or tells that they exist."""
    findings.judge(itertools.chain(judged(stage, attack.pointing_at), _beside(stage)))


@control(
    "TEN-API-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=("OWASP API3:2023", "OWASP API1:2023", "ISO 27001 A.8.3", "CWE-915", "CWE-290"),
    remediation="Take the tenant from the verified token alone; drop every header, filter and field of a client's that names one.",
)
def test_a_client_names_no_tenant(stage: Stage, findings: Findings) -> None:
    """Whose data an operation works on comes from the token alone, whatever a filter, a field or a header says."""
    findings.judge(judged(stage, attack.naming_them))


def _beside(stage: Stage) -> Iterator[Judgement]:
    """What answers at a door and stands in no description."""
    with contextlib.closing(Oracle(stage.stack, stage.theirs.tenant, stage.theirs.canary)) as oracle:
        yield from undescribed.attacked(stage, (*stage.direct.values(), *stage.through.values()), oracle.look().canaries)
    yield from routers.attacked(stage)


def judged(stage: Stage, variations: Variations) -> Iterator[Judgement]:
    """Every operation at every door that leads to it, and how many of all operations that were.

    What only looks comes first: while something is made, a listing is not the same from one look to the next.
    """
    known = [way for way in stage.ways if way.takes_something]
    ended: dict[Way, list[Outcome]] = {way: [] for way in known}
    oracle = Oracle(stage.stack, stage.theirs.tenant, stage.theirs.canary)
    with contextlib.closing(oracle), concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="attack") as pool:
        for looks in (True, False):
            pairs = [(way, door) for way in known if (way.method == "GET") is looks for door in stage.doors(way)]
            jobs = [pool.submit(_one, stage, way, door, oracle, variations) for way, door in pairs]
            for (way, _), job in zip(pairs, jobs, strict=True):
                if (judgement := job.result()) is not None:
                    ended[way].append(judgement.outcome)
                    yield judgement
    left_out = tuple(str(way) for way, outcomes in ended.items() if not outcomes or Outcome.NOT_REVIEWED in outcomes)
    yield coverage(len(known) - len(left_out), len(known), what="operations that take anything from a client", left_out=left_out)


def _one(stage: Stage, way: Way, door: Door, oracle: Oracle, variations: Variations) -> Judgement | None:
    try:
        approach = attack.approached(stage, door, way)
    except Unobservable as problem:
        return Judgement(subject=f"{door.name} {way}", outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return attack.attacked(approach, oracle, variations) if isinstance(approach, attack.Approach) else approach
