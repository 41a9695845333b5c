"""Limits and crowds: who was hit, who got through, and whether anything was proven."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.tenancy.gateway import test_limits as limits
from suites.tenancy.gateway.pool import Heard
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.test_caches import conditions, shareable
from suites.tenancy.gateway.test_pool import judge as judge_crowd
from tests.suites.tenancy.gateway.people import reply


@pytest.mark.parametrize(
    ("statuses", "is_limited", "outcome"),
    [([200, 200], True, Outcome.PASS), ([200, 429], True, Outcome.FAIL), ([200, 200], False, Outcome.ERROR)],
)
def test_a_limit_is_ones_own(statuses: list[int], is_limited: bool, outcome: Outcome) -> None:  # noqa: FBT001 - a case
    """Another's 429 fails, and where nobody is limited nothing was proven."""
    assert limits.judge("other", statuses, is_limited=is_limited, twin="").outcome is outcome


def test_a_disguise_that_gets_through_is_named() -> None:
    """Only success is getting through."""
    said = limits.judge_disguises({"with HEAD": 429, "with X-Real-IP": 200, "with Cookie": 403}, is_limited=True, twin="")

    assert (said.outcome, said.observed) == (Outcome.FAIL, ["with X-Real-IP"])


def heard(count: int, *, foreign: tuple[str, ...] = ()) -> list[Heard]:
    """Answers with something of the asker's own."""
    request = Request(method="GET", path="/")
    return [Heard(tenant="t1", request=request, reply=reply(200), foreign=foreign, own=True) for _ in range(count)]


def test_one_mixed_answer_fails_a_crowd() -> None:
    """Among however many that are right."""
    assert judge_crowd("gateway", [*heard(500), *heard(1, foreign=("c1",))]).outcome is Outcome.FAIL


def test_a_crowd_that_was_told_nothing_proves_nothing() -> None:
    """Too few answers with the asker's own are inconclusive, and none at all too."""
    assert judge_crowd("gateway", heard(3)).outcome is Outcome.INCONCLUSIVE
    assert judge_crowd("gateway", []).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("header", "found"),
    [("no-store", []), ("private, max-age=60", []), ("public, max-age=60", ["public"]), ("S-MaxAge=5", ["s-maxage"]), ("", [])],
)
def test_who_may_keep_an_answer(header: str, found: list[str]) -> None:
    """What allows everybody's cache to keep an answer to a token is named."""
    assert shareable(header) == found


def test_an_entity_tag_is_tried_where_there_is_one() -> None:
    """As it is, weakly, and as a condition."""
    tried = dict(conditions(reply(200, etag='"abc"')))

    assert tried["with their entity tag"] == (("If-None-Match", '"abc"'),)
    assert "with their entity tag" not in dict(conditions(reply(200)))
