"""Alerting: what goes wrong is told to somebody, and what was measured is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady
from constat.judgement import Judgement
from constat.observe import metrics
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constat.judgement import Findings
    from constat.observe.metrics import Alert, Delivered, Silence
    from constat.stack import Listener, Metrics, Stack

# What the specification promises to keep.
RETENTION_SECONDS: Final = 30 * 86400.0
# The alert that always fires: where it is seen, every other would be.
WATCHDOG: Final = "Watchdog"


@control(
    "CON-ALE-01",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("metrics",),
    promises=("observability",),
    refs=("ISO 27001 A.8.16", "NIST AU-6", "SOC 2 CC7.2"),
    remediation="Load the rules, connect Prometheus with Alertmanager, and end the silences; then the alert that always fires is seen.",
)
def test_an_alert_would_be_told(stack: Stack, findings: Findings) -> None:
    """Rules are loaded and work, nothing silences them, an alert really gets through, and what was measured is kept as promised."""
    assert stack.metrics is not None  # the control needs it
    findings.judge(_look(stack.metrics, known(stack.metrics, stack.listeners)))


def known(watching: Metrics, listeners: Iterable[Listener]) -> frozenset[str]:
    """Every address of Alertmanager's: as the harness reaches it, and as the platform's own nodes do."""
    own = urlsplit(watching.alertmanager).netloc
    inside = {listener.inside for listener in listeners if f"{listener.host}:{listener.port}" == own}
    return frozenset({own, *inside} - {""})


def _look(watching: Metrics, alertmanager: frozenset[str]) -> Iterator[Judgement]:
    yield judge_retention(metrics.retention_seconds(watching), metrics.retention_size(watching))
    rules = metrics.rules(watching)
    yield judge_rules(rules)
    if not watching.alertmanager:
        yield Judgement(subject="delivery", outcome=Outcome.FAIL, reason="there is no Alertmanager", expected=1, observed=0)
        return
    yield judge_receivers(_receivers(watching), alertmanager)
    yield judge_silences(metrics.silences(watching))
    yield judge_delivery(_watchdog(watching))


def _receivers(watching: Metrics) -> tuple[str, ...]:
    """Whom Prometheus hands its alerts to; for some seconds after a start or a reload it knows nobody."""
    try:
        return wait.until(
            lambda: metrics.receivers(watching),
            what="Prometheus knows an Alertmanager",
            within=deadlines.SERVICE_ANSWERS,
            every=0.5,
            holds=bool,
        )
    except NotReady:
        return ()  # the judgement says so


def _watchdog(watching: Metrics) -> tuple[Delivered, ...]:
    """The alert that always fires, as Alertmanager has it once it has come."""
    try:
        return wait.until(
            lambda: metrics.delivered(watching, WATCHDOG),
            what=f"alert {WATCHDOG!r} is delivered",
            within=deadlines.ALERT_DELIVERED,
            every=0.5,
            holds=bool,
        )
    except NotReady:
        return ()  # the judgement says so


def judge_retention(kept: float, size: str = "") -> Judgement:
    """FAIL when what was measured is kept for less than was promised, in seconds, or only until it has grown to a size."""
    until = f", unless they grow to {size} before" if size else ""
    return Judgement(
        subject="retention",
        outcome=Outcome.PASS if kept >= RETENTION_SECONDS and not size else Outcome.FAIL,
        reason=f"measurements are kept for {kept / 86400:g} days{until}, {RETENTION_SECONDS / 86400:g} are promised",
        expected=RETENTION_SECONDS,
        observed=kept,
    )


def judge_rules(rules: Sequence[Alert]) -> Judgement:
    """FAIL when no rule calls anybody, one cannot be evaluated, or none always fires."""
    problems = [] if any(rule.severity == "critical" for rule in rules) else ["no rule is critical, so nobody is ever called"]
    problems += [f"{rule.name} cannot be evaluated" for rule in rules if rule.health == "err"]
    problems += [] if any(rule.name == WATCHDOG for rule in rules) else [f"no alert {WATCHDOG!r} proves that alerts arrive"]
    return _judged("rules", problems, f"{len(rules)} alert rules are loaded and work")


def judge_receivers(receivers: Iterable[str], alertmanager: frozenset[str]) -> Judgement:
    """FAIL when Prometheus hands its alerts to nobody, or to somebody else."""
    found = list(receivers)
    problems = [] if any(address in alertmanager for address in found) else [f"Prometheus hands its alerts to {found or 'nobody'}"]
    return _judged("connection", problems, f"Prometheus hands its alerts to {', '.join(found)}")


def judge_silences(silences: Iterable[Silence]) -> Judgement:
    """FAIL for every silence, whatever it is about: what it hides is not told."""
    problems = [f"{silence.what} is silenced until {silence.until} by {silence.by or 'nobody'}" for silence in silences]
    return _judged("silences", problems, "nothing is silenced")


def judge_delivery(there: Sequence[Delivered]) -> Judgement:
    """FAIL unless the alert that always fires is at a receiver, and nothing keeps it back."""
    problems = [] if there else [f"the alert {WATCHDOG!r} fires always and has not arrived"]
    problems += [f"{alert.name} is {alert.state}" for alert in there if alert.state != "active"]
    problems += [f"{alert.name} has no receiver" for alert in there if not alert.receivers]
    return _judged("delivery", problems, f"the alert that always fires is at {', '.join(r for a in there for r in a.receivers)}")


def _judged(subject: str, problems: list[str], good: str) -> Judgement:
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if problems else Outcome.PASS,
        reason="; ".join(problems[:6]) or good,
        expected=[],
        observed=problems,
    )
