"""Metrics: everything that the platform consists of is watched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady
from constat.judgement import Findings, Judgement
from constat.observe import metrics
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.observe.metrics import Scraped
    from constat.stack import Listener, Metrics, Stack

INTERVAL_SECONDS: Final = 15.0
DURATION: Final = "http_request_duration_seconds_count"


@control(
    "CON-MET-01",
    severity=Severity.MEDIUM,
    impact=Impact.OBSERVE,
    needs=("metrics", "services", "listeners"),
    promises=("observability",),
    refs=("ISO 27001 A.8.16", "NIST AU-6"),
    remediation="Let Prometheus ask the node, or mend what keeps it from being answered.",
)
def test_everything_is_watched(stack: Stack, findings: Findings) -> None:
    """Every node is asked by Prometheus as often as promised and answers, and every service counts its requests."""
    assert stack.metrics is not None  # the control needs it
    findings.judge(_look(stack, stack.metrics))


def _look(stack: Stack, watching: Metrics) -> Iterator[Judgement]:
    seen = _settled(watching)
    yield from judge_targets(seen)
    yield from judge_nodes(stack.listeners, seen)
    counted = {sample.labels.get("job", "") for sample in metrics.query(watching, DURATION)}
    counted |= {sample.labels.get("node", "") for sample in metrics.query(watching, DURATION)}
    yield from (_counting(name, counted) for name in stack.services)


def _settled(watching: Metrics) -> tuple[Scraped, ...]:
    """Every target, once each has been asked anew: what was up a moment ago may hang now.

    Those that do not answer in time are reported as they are.
    """
    last = [metrics.targets(watching)]
    before = {(target.name, target.address): target.asked_at for target in last[0]}

    def look() -> None:
        last.append(metrics.targets(watching))
        stale = [t.name for t in last[-1] if before.get((t.name, t.address)) == t.asked_at or t.health != metrics.UP]
        if stale:
            msg = f"not asked and up yet: {', '.join(stale)}"
            raise NotReady(msg)

    try:
        wait.until(look, what="every target is up", within=deadlines.METRICS_SCRAPED, every=1.0)
    except NotReady:  # the judgement says which
        return tuple(replace(t, health="not asked") if before.get((t.name, t.address)) == t.asked_at else t for t in last[-1])
    return last[-1]


def judge_targets(seen: Iterable[Scraped]) -> Iterator[Judgement]:
    """PASS for a target that answers and is asked at least as often as promised."""
    for target in seen:
        problems = [f"is {target.health}: {target.error or 'not asked yet'}"] if target.health != metrics.UP else []
        late = target.interval_seconds > INTERVAL_SECONDS
        problems += [f"is asked every {target.interval_seconds:g} s only"] if late else []
        yield Judgement(
            subject=target.name,
            outcome=Outcome.FAIL if problems else Outcome.PASS,
            reason=", ".join(problems) or f"up, asked every {target.interval_seconds:g} s",
            expected=[metrics.UP, INTERVAL_SECONDS],
            observed=[target.health, target.interval_seconds],
        )


def judge_nodes(listeners: Iterable[Listener], seen: Iterable[Scraped]) -> Iterator[Judgement]:
    """FAIL for a node that nobody asks about, directly, through an exporter or by a probe."""
    watched = {target.node for target in seen} | {port for target in seen for port in (target.address.rpartition(":")[2],)}
    ports: dict[str, set[str]] = {}
    for listener in listeners:
        ports.setdefault(listener.node, set()).add(str(listener.port))
    for node, own in ports.items():
        is_watched = node in watched or bool(own & watched)
        yield Judgement(
            subject=f"node {node}",
            outcome=Outcome.PASS if is_watched else Outcome.FAIL,
            reason="is watched" if is_watched else "Prometheus asks nothing about it",
            expected=True,
            observed=is_watched,
        )


def _counting(service: str, counted: set[str]) -> Judgement:
    return Judgement(
        subject=f"service {service}",
        outcome=Outcome.PASS if service in counted else Outcome.FAIL,
        reason="counts its requests" if service in counted else f"shows no sample of {DURATION}",
        expected=True,
        observed=service in counted,
    )
