"""Health: every service is alive and ready, by its own word and by what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.observe.http import Readiness
    from constat.stack import Stack


# How services say that a dependency is as it should be; every other word is not.
IN_ORDER: Final = frozenset({"ok", "answers"})


@control(
    "CON-LIV-01",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("services",),
    promises=("discovery",),
    refs=("ISO 27001 A.8.16",),
    remediation="Look at the dependency that is named, then at the service's log.",
)
def test_every_service_is_alive_and_ready(stack: Stack, findings: Findings) -> None:
    """Every service answers /health, directly and through the gateway, and /ready with each of its dependencies in order."""
    findings.judge(_look(stack))


def _look(stack: Stack) -> Iterator[Judgement]:
    for name, url in stack.services.items():
        try:
            with http.client(http.authority(stack), url) as client:
                alive, ready = http.ask(client, "GET", "/health").status, http.readiness(client)
        except Unobservable as problem:
            yield Judgement(
                subject=name, outcome=Outcome.FAIL, reason=f"does not answer: {problem}", expected="alive and ready", observed=""
            )
            continue
        yield judge_health(name, alive, ready)
    if stack.gateway is not None:
        with http.client(stack.gateway.ca, stack.gateway.url) as client:
            yield from (_through_gateway(client, name) for name in stack.services)
    yield coverage(len(stack.services), len(stack.services), what="services")


def _through_gateway(client: httpx.Client, service: str) -> Judgement:
    """Whether the gateway leads to the service, by the path that is everybody's."""
    try:
        status: int | str = http.ask(client, "GET", f"/health/{service}").status
    except Unobservable as problem:
        status = str(problem)
    return Judgement(
        subject=f"{service} through the gateway",
        outcome=Outcome.PASS if status == http.OK else Outcome.FAIL,
        reason="alive" if status == http.OK else f"/health/{service} answers {status}",
        expected=[http.OK],
        observed=[status],
    )


def judge_health(name: str, alive: int, ready: Readiness) -> Judgement:
    """PASS when it is alive, ready, and names at least one dependency, each of which is in order."""
    wrong = {dependency: state for dependency, state in ready.dependencies.items() if state not in IN_ORDER}
    problems = [f"/health answers {alive}"] if alive != http.OK else []
    problems += [f"/ready answers {ready.status}"] if ready.status != http.OK or not ready.ready else []
    problems += [f"{dependency} is {state}" for dependency, state in wrong.items()]
    problems += ["/ready names no dependency, so it says nothing"] if not ready.dependencies else []
    return Judgement(
        subject=name,
        outcome=Outcome.FAIL if problems else Outcome.PASS,
        reason=", ".join(problems) or f"alive, and ready with {', '.join(sorted(ready.dependencies))}",
        expected=sorted(IN_ORDER),
        observed=sorted(set(ready.dependencies.values())),
    )
