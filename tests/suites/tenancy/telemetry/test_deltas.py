"""Numbers that go on with another tenant's work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import Outcome
from suites.tenancy.telemetry.deltas import ROUNDS, judge, numbers, telling, watched


def looked(values: list[float]) -> list[dict[str, float]]:
    """One number at each look."""
    return [{"requests_total": value} for value in values]


@pytest.mark.parametrize(
    ("values", "tells"),
    [
        ([1, 1, 3, 3, 5, 5, 7], True),
        ([1, 2, 8, 9, 15, 16, 22], True),
        ([1, 1, 1, 1, 1, 1, 1], False),
        ([1, 2, 3, 4, 5, 6, 7], False),
        ([1, 1, 3, 4, 6, 6, 8], False),
        ([1, 1, 3, 3, 3, 3, 5], False),
        ([1, 1, 3, 3, float("nan"), 5, 7], False),
    ],
    ids=["counts", "counts-our-looks-too", "stands", "counts-our-looks", "unsteady", "not-each-time", "no-number"],
)
def test_a_number_tells_when_it_follows_the_work(values: list[float], tells: bool) -> None:  # noqa: FBT001 - a parameter
    """By its own step without the work, and by another each time with it."""
    assert bool(telling(looked(values))) is tells


@given(st.lists(st.integers(0, 1000), min_size=2 * ROUNDS + 1, max_size=2 * ROUNDS + 1))
def test_what_is_steady_never_tells(steps: list[int]) -> None:
    """However it goes on, a number whose steps are alike with and without the work tells nothing."""
    values = [float(steps[0] * place) for place in range(2 * ROUNDS + 1)]

    assert telling(looked(values)) == ()


def test_numbers_are_called_by_what_is_before_them() -> None:
    """In Prometheus' format by name and labels, elsewhere by the words before."""
    assert numbers('# HELP a b\na_total{tenant="x"} 3\nb 1.5 1700000000\n') == {'a_total{tenant="x"}': 3.0, "b": 1.5}
    assert list(numbers('{"queued": 4, "done": 7}').values()) == [4.0, 7.0]
    assert numbers("no number, v1.2.3 neither") == {}


def test_looks_are_taken_in_turn() -> None:
    """A quiet one before each work, and one after."""
    done: list[str] = []
    looks = watched(lambda: {"n": float(len(done))}, lambda: done.append("work"))

    assert len(looks) == 2 * ROUNDS + 1
    assert [look["n"] for look in looks] == [0, 0, 1, 1, 2, 2, 3]


def test_a_page_that_tells_fails_and_no_work_proves_nothing() -> None:
    """With the number's name."""
    assert judge("pages", {"/metrics": ("requests_total",)}, pages=1, worked=9).outcome is Outcome.FAIL
    assert judge("pages", {"/metrics": ()}, pages=1, worked=9).outcome is Outcome.PASS
    assert judge("pages", {}, pages=0, worked=0).outcome is Outcome.ERROR
