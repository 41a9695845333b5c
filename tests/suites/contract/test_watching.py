"""Alerting and replicas, judged from facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.observe.metrics import Alert, Delivered, Silence, seconds
from constat.outcome import Outcome
from constat.stack import Listener, Login, Metrics
from suites.contract.test_alerting import judge_delivery, judge_receivers, judge_retention, judge_rules, judge_silences, known
from suites.contract.test_replica import Way, judge_arrival, judge_way

WATCHDOG = Alert(name="Watchdog", expression="vector(1)", severity="none", hold_seconds=0)
DOWN = Alert(name="DatabaseDown", expression="pg_up == 0", severity="critical", hold_seconds=30)
ARRIVED = Delivered(name="Watchdog", state="active", receivers=("on-page",))


@pytest.mark.parametrize(("text", "outcome"), [("30d", Outcome.PASS), ("1y", Outcome.PASS), ("1d", Outcome.FAIL), ("4w", Outcome.FAIL)])
def test_measurements_are_kept_as_promised(text: str, outcome: Outcome) -> None:
    """In whichever unit Prometheus says it."""
    assert judge_retention(seconds(text)).outcome is outcome


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ((WATCHDOG, DOWN), Outcome.PASS),
        ((), Outcome.FAIL),
        ((WATCHDOG,), Outcome.FAIL),
        ((DOWN,), Outcome.FAIL),
        ((WATCHDOG, replace(DOWN, health="err")), Outcome.FAIL),
    ],
)
def test_rules_must_be_there_and_work(rules: tuple[Alert, ...], outcome: Outcome) -> None:
    """None, none that calls anybody, and one that cannot be evaluated each fail."""
    assert judge_rules(rules).outcome is outcome


def test_alerts_go_to_the_platforms_own_alertmanager() -> None:
    """Nobody and somebody else are both wrong."""
    own = frozenset({"127.0.0.1:30001", "alertmanager.svc:30001"})

    assert judge_receivers(["127.0.0.1:30001"], own).outcome is Outcome.PASS
    assert judge_receivers(["alertmanager.svc:30001"], own).outcome is Outcome.PASS
    assert judge_receivers([], own).outcome is Outcome.FAIL
    assert judge_receivers(["127.0.0.1:3"], own).outcome is Outcome.FAIL


def test_alertmanager_is_known_by_both_its_addresses() -> None:
    """The one by which it is reached here, and the one under which the platform's own nodes know it."""
    watching = Metrics(prometheus="", alertmanager="https://127.0.0.1:3", login=Login(user="u", password="p"), ca="")
    listener = Listener(node="alertmanager", name="web", port=3, tls=True, protocol="https", inside="alertmanager.svc:3")

    assert known(watching, [listener, replace(listener, port=30, inside="other:30")]) == {"127.0.0.1:3", "alertmanager.svc:3"}
    assert known(watching, [replace(listener, inside="")]) == {"127.0.0.1:3"}


def test_every_silence_is_named() -> None:
    """Whoever made it, whatever it is about."""
    assert judge_silences([]).outcome is Outcome.PASS
    assert "until 2036" in judge_silences([Silence(what="alertname=.+", until="2036", by="ops")]).reason


@pytest.mark.parametrize("there", [(), (replace(ARRIVED, state="suppressed"),), (replace(ARRIVED, receivers=()),)])
def test_an_alert_that_does_not_get_through_fails(there: tuple[Delivered, ...]) -> None:
    """Lost, kept back, and addressed to nobody."""
    assert judge_delivery((ARRIVED,)).outcome is Outcome.PASS
    assert judge_delivery(there).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("to_primary", "is_replica", "outcome"),
    [
        (True, False, Outcome.PASS),
        (False, True, Outcome.PASS),
        (True, True, Outcome.FAIL),
        (False, False, Outcome.FAIL),
        (False, None, Outcome.FAIL),
    ],
)
def test_a_way_ends_at_its_part(to_primary: bool, is_replica: bool | None, outcome: Outcome) -> None:  # noqa: FBT001 - a table
    """Reads that end at the primary are wrong as well."""
    assert judge_way(Way(name="w", dsn="", to_primary=to_primary), is_replica=is_replica).outcome is outcome


def test_a_row_that_does_not_arrive_fails() -> None:
    """The reason says for how long it was waited."""
    assert judge_arrival("replica", "").outcome is Outcome.PASS
    assert judge_arrival("replica", "not within 5 s").outcome is Outcome.FAIL
