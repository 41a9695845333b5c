"""Routes: what a service answers, beside what it says that it answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import http, sources
from constat.outcome import Impact, Outcome, Severity
from suites.security.strangers import web

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import httpx

    from constat.judgement import Findings
    from constat.stack import Stack

_PLACE: Final = re.compile(r"\{[^}]*\}")
_SOMETHING: Final = "00000000-0000-4000-8000-000000000000"


@control(
    "SEC-ROU-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("services", "tenants", "local_processes"),
    promises=("isolation.gateway",),
    refs=("OWASP API9:2023", "OWASP ASVS 14.2.2", "OWASP ASVS 14.3.2", "CWE-489", "CWE-912", "ISO 27001 A.8.28"),
    remediation="Describe the route in the service's OpenAPI document, with who may ask, or take it out of the code.",
)
def test_a_service_answers_only_what_it_describes(stack: Stack, findings: Findings) -> None:
    """No path that stands in the code of a running service is answered by it without being in its OpenAPI document."""
    ca = http.authority(stack)
    token = web.sign_in(stack, ca, next(iter(stack.tenants)))
    findings.judge(_attack(stack, ca, token))


def _attack(stack: Stack, ca: str, token: str) -> Iterator[Judgement]:
    blind = []
    for service, base in stack.services.items():
        try:
            with http.client(ca, base) as stranger, http.client(ca, base, headers={"Authorization": f"Bearer {token}"}) as tenant:
                described = frozenset(route.path for route in http.routes(stranger))
                tried = candidates(sources.paths(sources.code(stack.run_dir, service)), described)
                answered = leading(stranger, tried) | leading(tenant, tried)
            yield judge_routes(service, tried, answered)
        except Unobservable as problem:
            blind.append(service)
            yield Judgement(subject=service, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    yield coverage(len(stack.services) - len(blind), len(stack.services), what="services", left_out=tuple(blind))


def candidates(written: Collection[str], described: Collection[str]) -> tuple[str, ...]:
    """What stands in the code and is not described: as it is, and behind the beginning of every path that is."""
    known = [re.compile(_PLACE.sub("[^/]+", path)) for path in described]
    beginnings = {"", *(path.partition("/{")[0] for path in described)}
    tried = {_PLACE.sub(_SOMETHING, beginning + path) for beginning in beginnings for path in written}
    return tuple(sorted(path for path in tried if not any(pattern.fullmatch(path) for pattern in known)))


def leading(client: httpx.Client, paths: Collection[str]) -> set[str]:
    """Where the service has anything, for whom or for which method ever: its answer is another than for a path that nothing has.

    The status tells: a body may repeat the path.
    """
    nowhere = http.ask(client, "GET", web.NOWHERE).status
    return {path for path in paths if http.ask(client, "GET", path).status != nowhere}


def judge_routes(service: str, tried: Collection[str], answered: Collection[str]) -> Judgement:
    """FAIL for each path that is answered; a service whose code has no path to try was not looked at."""
    outcome = Outcome.FAIL if answered else Outcome.PASS if tried else Outcome.NOT_REVIEWED
    return Judgement(
        subject=service,
        outcome=outcome,
        reason=f"answers what it does not describe: {', '.join(sorted(answered)[:6])}"
        if answered
        else f"none of {len(tried)} paths leads on",
        expected=[],
        observed=sorted(answered),
    )
