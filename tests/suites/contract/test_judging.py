"""Contract: what is as promised, what is not, and what could not be seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.errors import Unobservable
from constat.observe.http import Readiness
from constat.observe.metrics import Scraped
from constat.observe.versions import Question
from constat.outcome import Outcome
from constat.stack import Listener
from suites.contract.test_health import judge_health
from suites.contract.test_metrics import judge_nodes, judge_targets
from suites.contract.test_versions import judge_versions

READY = Readiness(status=200, ready=True, dependencies={"database": "answers"})
UP = Scraped(
    job="cache",
    node="cache",
    instance="i",
    address="127.0.0.1:2",
    is_probe=False,
    health="up",
    interval_seconds=15.0,
    error="",
    asked_at="",
)


def asked(component: str) -> Question:
    """A question whose answer the test gives."""
    return Question(component=component, subject=component, ask=str)


def outcomes(said: str | Unobservable, promised: dict[str, str]) -> list[Outcome]:
    """How a stack ends whose only component is a cache that says this."""
    return [judgement.outcome for judgement in judge_versions((asked("cache"),), [said], promised)]


@pytest.mark.parametrize(
    ("said", "outcome"), [("7.0.15", Outcome.PASS), ("7.0", Outcome.PASS), ("6.9.9", Outcome.FAIL), ("10.0", Outcome.PASS)]
)
def test_a_version_is_at_least_the_promised_one(said: str, outcome: Outcome) -> None:
    """Compared as numbers."""
    assert outcomes(said, {"cache": "7.0"}) == [outcome]


def test_a_component_that_does_not_answer_is_an_error() -> None:
    """Silence is not a version."""
    assert outcomes(Unobservable("refused"), {"cache": "7.0"}) == [Outcome.ERROR]


def test_a_promised_component_that_is_not_there_is_an_error() -> None:
    """What was promised and cannot be asked is named, never left out."""
    judged = list(judge_versions((asked("cache"),), ["7.0"], {"cache": "7.0", "broker": "3.10"}))

    assert [(j.subject, j.outcome) for j in judged] == [("cache", Outcome.PASS), ("broker", Outcome.ERROR)]


def test_a_service_in_order_passes() -> None:
    """Alive, ready, and each dependency answers."""
    assert judge_health("search", 200, READY).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("alive", "ready"),
    [
        (503, READY),
        (200, replace(READY, status=503, ready=False)),
        (200, replace(READY, ready=False)),
        (200, replace(READY, dependencies={"database": "answers", "cache": "does not answer"})),
        (200, replace(READY, dependencies={})),
    ],
)
def test_anything_out_of_order_fails(alive: int, ready: Readiness) -> None:
    """Also a dependency that is not needed, and a readiness that depends on nothing."""
    assert judge_health("search", alive, ready).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("health", "interval", "outcome"),
    [("up", 15, Outcome.PASS), ("up", 30, Outcome.FAIL), ("down", 15, Outcome.FAIL), ("unknown", 5, Outcome.FAIL)],
)
def test_a_target_must_answer_as_often_as_promised(health: str, interval: float, outcome: Outcome) -> None:
    """Down, never asked and asked too seldom are each a failure."""
    assert [j.outcome for j in judge_targets([replace(UP, health=health, interval_seconds=float(interval))])] == [outcome]


def test_a_node_that_nobody_watches_fails() -> None:
    """A node is watched by its name or by the address of one of its listeners, and otherwise by nobody."""
    listeners = [
        Listener(node=node, name="x", port=port, tls=True, protocol="https") for node, port in (("cache", 1), ("broker", 2), ("vault", 3))
    ]
    judged = {j.subject: j.outcome for j in judge_nodes(listeners, [UP])}

    assert judged == {"node cache": Outcome.PASS, "node broker": Outcome.PASS, "node vault": Outcome.FAIL}
