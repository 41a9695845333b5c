"""Whether the platform's own monitoring knows of a fault while it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat import deadlines, wait
from constat.clock import monotonic
from constat.errors import NotReady, Unobservable
from constat.judgement import Judgement
from constat.observe import metrics
from constat.outcome import Outcome

if TYPE_CHECKING:
    from constat.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """After how many seconds an alert was pending or firing; None: not within the deadline."""

    alert: str
    seconds: float | None


def await_alarm(stack: Stack, alert: str, *, since: float) -> Alarm | None:
    """Wait until the alert is pending or firing; None where no alert is promised or the stack has no monitoring."""
    seen = stack.metrics
    if not alert or seen is None:
        return None
    try:
        wait.until(
            lambda: metrics.query(seen, f'ALERTS{{alertname="{alert}"}}'),
            what=f"alert {alert} is pending or firing",
            within=deadlines.METRICS_SCRAPED - (monotonic() - since),
            retry=(Unobservable,),
            every=1.0,
            holds=bool,
        )
    except NotReady:
        return Alarm(alert=alert, seconds=None)  # that is a measurement, and the verdict is made of it
    return Alarm(alert=alert, seconds=monotonic() - since)


def judge(alarm: Alarm) -> Judgement:
    """FAIL when nobody would have been told; a pure function."""
    told = "not at all" if alarm.seconds is None else f"{alarm.seconds:.0f} s"
    return Judgement(
        subject="alert",
        outcome=Outcome.FAIL if alarm.seconds is None else Outcome.PASS,
        reason=f"{alarm.alert} knew nothing of it within {deadlines.METRICS_SCRAPED:g} s"
        if alarm.seconds is None
        else f"{alarm.alert} knew of it after {told}",
        expected=f"within {deadlines.METRICS_SCRAPED:g} s",
        observed=told,
    )
