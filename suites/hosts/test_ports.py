"""Listening ports: the table that was declared, and what really listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.control import control
from constat.judgement import Findings, Judgement
from constat.observe import host as hosts
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.observe.host import Listening
    from constat.stack import Listener, Stack


@control(
    "HOS-01",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("listeners", "local_processes"),
    promises=("hosts",),
    refs=("CIS Debian 12 2.4", "ISO 27001 A.8.20"),
    remediation="Stop what listens without being declared, or declare it in the component's table with its owner's consent.",
)
def test_listening_ports_equal_the_declared_table(stack: Stack, findings: Findings) -> None:
    """Every declared port listens on its declared address, and no other port of the platform does."""
    owners = frozenset(path.owner for path in stack.guarded) - {"root"}
    observed = hosts.listening(hosts.local(), stack.run_dir, owners)
    findings.judge(judge_ports(stack.listeners, observed))


def judge_ports(declared: Iterable[Listener], observed: Iterable[Listening]) -> Iterator[Judgement]:
    """One judgement for each declared port, and one for each that nobody declared."""
    found = {(seen.transport, seen.host, seen.port): seen for seen in observed}
    for listener in declared:
        yield _declared(listener, found.pop(("tcp", listener.host, listener.port), None))
    for seen in found.values():
        yield Judgement(
            subject=f"{seen.process} {seen.transport}",
            outcome=Outcome.FAIL,
            reason=f"{seen.process} listens on {seen.host}:{seen.port}/{seen.transport}, which nobody declared",
            expected=[],
            observed=[f"{seen.host}:{seen.port}"],
        )


def _declared(listener: Listener, seen: Listening | None) -> Judgement:
    expected = f"{listener.host}:{listener.port}"
    found = f"{seen.host}:{seen.port}" if seen else "nothing"
    return Judgement(
        subject=f"{listener.node}/{listener.name}",
        outcome=Outcome.PASS if seen else Outcome.FAIL,
        reason="listens as declared" if seen else f"declared {expected}, but nothing listens there",
        expected=expected,
        observed=found,
    )
