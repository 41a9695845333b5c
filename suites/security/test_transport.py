"""Transport: what promises TLS speaks nothing else."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Final

from constat.attempt import Admission, admission
from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import plain
from constat.outcome import Impact, Outcome, Severity, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Listener, Stack

# 28000: no entry for a connection without encryption; 08P01 and 57P01: the pooler's and a closing server's words.
REFUSALS: Final = frozenset({"closed", "silent", "http 400", "sqlstate 28000", "sqlstate 08P01"})
_PROBES: Final = 16


@control(
    "SEC-TLS-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("listeners",),
    refs=("OWASP ASVS 9.1.1", "ISO 27001 A.8.24", "CIS Controls 3.10"),
    remediation="Switch the server's plain-text listener off, or require TLS on it.",
)
def test_a_listener_that_promises_tls_refuses_plain_text(stack: Stack, findings: Findings) -> None:
    """Every listener that promises TLS shakes hands by it and answers no protocol in clear text."""
    promised = [listener for listener in stack.listeners if listener.tls]
    ca = stack.gateway.ca if stack.gateway else stack.postgres.ca if stack.postgres else ""
    findings.judge(_attack(promised, ca))


def _attack(listeners: list[Listener], ca: str) -> Iterator[Judgement]:
    with concurrent.futures.ThreadPoolExecutor(_PROBES) as pool:
        yield from pool.map(lambda listener: attack(listener, ca), listeners)
    yield coverage(len(listeners), len(listeners), what="listeners that promise TLS")


def attack(listener: Listener, ca: str) -> Judgement:
    """Try every greeting; the listener is as good as its worst answer."""
    tried = [
        admission(
            Admission(
                subject=f"{listener.node}/{listener.name}",
                refusals=REFUSALS,
                authorised=lambda: plain.tls(listener, ca),
                unauthorised=lambda greeting=greeting: plain.in_clear(listener, greeting),  # type: ignore[misc]
                reproduction=f"printf '{greeting}' | nc {listener.host} {listener.port}",
            )
        )
        for greeting in plain.GREETINGS
    ]
    outcome = worst(judgement.outcome for judgement in tried)
    telling = next(judgement for judgement in tried if judgement.outcome is outcome)
    seen = {greeting: judgement.observed for greeting, judgement in zip(plain.GREETINGS, tried, strict=True)}
    reason = telling.reason if outcome is not Outcome.PASS else f"refused {len(tried)} greetings in clear text"
    return Judgement(
        subject=telling.subject,
        outcome=outcome,
        reason=reason,
        expected=sorted(REFUSALS),
        observed=seen,
        positive_control=telling.positive_control,
        evidence=telling.evidence,
    )
