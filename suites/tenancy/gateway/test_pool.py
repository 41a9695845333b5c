"""The pool over HTTP: however requests of two tenants are mixed, whatever goes wrong between them, nobody gets another's answer."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement
from constat.outcome import Impact, Outcome, Severity
from constat.trial import Act, Trial
from suites.tenancy.gateway import judging
from suites.tenancy.gateway.pool import crowd, halves
from suites.tenancy.gateway.stage import entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from suites.tenancy.gateway.pool import Heard
    from suites.tenancy.gateway.stage import Stage

# Fewer answers with something of the asker's own in them say nothing about mixing.
ENOUGH: Final = 100


@control(
    "TEN-API-06",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants"),
    promises=("isolation.gateway",),
    refs=("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-488", "CWE-362"),
    remediation="Keep who asks in the request's own scope, and set the database's context inside the transaction that needs it.",
)
def test_requests_of_two_tenants_do_not_mix(stage: Stage, findings: Findings) -> None:
    """Of hundreds of requests of two tenants at once, with errors, time-outs and disconnections, each answer is the asker's own."""
    findings.judge(_judged(stage))


def _judged(stage: Stage) -> Iterator[Judgement]:
    """The crowd comes through the gateway; bodies that come in two parts are brought to the services too."""
    for name, base in clients_doors(stage).items():
        try:
            yield judge(name, list(crowd(stage, stage.through[name], base)))
        except Unobservable as problem:
            yield Judgement(subject=name, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    for service, base in stage.stack.services.items():
        own = dataclasses.replace(stage, ways=tuple(way for way in stage.ways if way.service == service and way.method != "GET"))
        try:
            heard = list(halves(own, stage.direct[service], base))
        except Unobservable as problem:
            yield Judgement(subject=service, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
            continue
        if heard:
            yield judge(f"{service}, by halves", heard, enough=1)


def clients_doors(stage: Stage) -> dict[str, str]:
    """The entry points that the gateway's own address is one of."""
    gateway = stage.stack.gateway.url if stage.stack.gateway else ""
    found = {name: url for name, url in entries(stage.stack).items() if urlsplit(url).port == urlsplit(gateway).port}
    return found or entries(stage.stack)


def judge(subject: str, heard: Sequence[Heard], *, enough: int = ENOUGH) -> Judgement:
    """FAIL with the first answer that shows another's; INCONCLUSIVE when too few answers showed anything at all."""
    wrong = [one for one in heard if one.foreign]
    telling = sum(one.own for one in heard)
    if wrong:
        first = wrong[0]
        outcome = Outcome.FAIL
        reason = (
            f"{len(wrong)} of {len(heard)} answers show another tenant's: {first.request.method} {first.request.line} to {first.tenant}"
        )
    elif telling < enough:
        outcome, reason = (
            Outcome.INCONCLUSIVE,
            f"only {telling} of {len(heard)} answers show anything of the asker's own, expected {enough}",
        )
    else:
        outcome, reason = Outcome.PASS, f"{len(heard)} answers, of which {telling} show the asker's own and none another's"
    shown = judging.Tried(how="requests of two tenants at once", request=wrong[0].request, reply=wrong[0].reply) if wrong else None
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=0,
        observed=len(wrong),
        positive_control=f"answers with the asker's own: {telling}; {dict(Counter(one.reply.status for one in heard).most_common(6))}",
        evidence=judging.evidence(shown, reason, subject) if shown else (),
        trials=(Trial(actor="tenant", store=judging.GATEWAY, act=Act.SEE, outcome=outcome, count=len(heard)),),
    )
