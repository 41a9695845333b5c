"""Bounds are read as Kubernetes writes them, and what is refused is judged by why."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.attempt import Answer
from constat.observe.http import Reply
from constat.outcome import Outcome
from suites.kubernetes.test_quotas import ADMITTED, LEAST, REFUSED, amount, answer, asked, bounds, judge, judge_default, limit

YES, NO, OTHER = Answer(kind=ADMITTED), Answer(kind=REFUSED), Answer(kind="http 422")


@pytest.mark.parametrize(
    ("quantity", "number"), [("40", 40), ("500m", Decimal("0.5")), ("2Gi", 2 * 2**30), ("32Mi", 32 * 2**20), ("3k", 3000), ("0", 0)]
)
def test_quantities_are_numbers(quantity: str, number: Decimal) -> None:
    """Binary and decimal units, and thousandths."""
    assert amount(quantity) == number


@given(st.integers(0, 10**6), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_what_is_asked_for_is_always_more_than_the_bound(number: int, unit: str) -> None:
    """However large the bound is."""
    _, _, pod = asked("requests.memory", f"{number}{unit}", "image")
    first = pod["spec"]["containers"][0]["resources"]

    assert amount(first["requests"]["memory"]) > amount(f"{number}{unit}")
    assert first["limits"]["memory"] == first["requests"]["memory"]


@pytest.mark.parametrize("resource", [*LEAST, "requests.storage", "services.nodeports", "limits.cpu", "count/pods"])
def test_there_is_a_way_to_ask_for_every_resource(resource: str) -> None:
    """Each kind of resource that a quota bounds has an object that asks for it."""
    assert asked(resource, "1", "image")[0]


def test_a_resource_that_nobody_knows_is_not_asked_for() -> None:
    """It is said by its name instead."""
    assert asked("example.com/gpus", "1", "image")[0] == ""


def reply(status: int, message: str) -> Reply:
    """What the API server answers."""
    return Reply(status=status, headers={}, body=json.dumps({"message": message}).encode())


def test_only_the_same_resources_bound_refuses() -> None:
    """One that is refused for its memory says nothing of its processors."""
    said = "exceeded quota: bounds, requested: requests.memory=5Gi, used: requests.memory=1Gi, limited: requests.memory=4Gi"

    assert answer(reply(403, said), "requests.memory").kind == REFUSED
    assert answer(reply(403, said), "requests.cpu").kind == "http 403"
    assert answer(reply(403, "violates PodSecurity"), "requests.memory").kind == "http 403"
    assert answer(reply(201, ""), "requests.memory").kind == ADMITTED


@pytest.mark.parametrize(
    ("twin", "more", "outcome"),
    [(YES, NO, Outcome.PASS), (YES, YES, Outcome.FAIL), (NO, NO, Outcome.ERROR), (YES, OTHER, Outcome.ERROR), (NO, YES, Outcome.FAIL)],
)
def test_a_bound_is_judged_by_what_is_beyond_it(twin: Answer, more: Answer, outcome: Outcome) -> None:
    """More than it refused by it, and a little of it admitted."""
    assert judge("n: pods", "5", twin, more).outcome is outcome


def test_a_refusal_names_its_bound() -> None:
    """So that a bound which somebody has moved is told from the one that was declared."""
    said = "exceeded quota: bounds, requested: pods=1, used: pods=6, limited: pods=6"

    assert limit(said, "pods") == "6"
    assert limit(said, "requests.cpu") == ""
    assert limit("exceeded quota: bounds, requested: a=1,b=2, used: a=1,b=1, limited: a=1,b=2Gi", "b") == "2Gi"


def test_the_lowest_bound_counts_and_one_for_some_pods_only_is_none() -> None:
    """A quota with a scope binds those alone that are in it."""
    quotas = (
        {"spec": {"hard": {"pods": "10", "requests.memory": "1Gi"}}},
        {"spec": {"hard": {"pods": "5"}}},
        {"spec": {"hard": {"requests.cpu": "1"}, "scopes": ["Terminating"]}},
    )

    assert bounds(quotas) == {"pods": "5", "requests.memory": "1Gi"}


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ({"admitted": True, "limits": {"memory": "128Mi"}}, Outcome.PASS),
        ({"admitted": False, "said": "failed quota: bounds: must specify limits.memory"}, Outcome.PASS),
        ({"admitted": True}, Outcome.FAIL),
        ({"admitted": False, "said": "violates PodSecurity"}, Outcome.ERROR),
    ],
)
def test_a_container_that_says_nothing_is_bounded_or_refused(seen: dict[str, object], outcome: Outcome) -> None:
    """Refused for saying nothing is as good; refused for something else says nothing."""
    assert judge_default("n", seen).outcome is outcome
