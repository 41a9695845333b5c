"""Numbers that go on with another tenant's work."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import Outcome
from suites.tenancy.telemetry.deltas import AGAIN, MINE, ORDER, THEIRS, judge, numbers, telling, watched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def looked(values: Sequence[float], order: Sequence[str] = ORDER) -> tuple[tuple[str, dict[str, float]], ...]:
    """One number at each look."""
    return tuple((word, {"requests_total": value}) for word, value in zip(("first", *order), values, strict=True))


def stepped(step: Mapping[str, float], order: Sequence[str] = ORDER) -> list[float]:
    """How a number goes on that follows what is done."""
    return [*itertools.accumulate((step[word] for word in order), initial=0.0)]


@pytest.mark.parametrize("order", [ORDER, AGAIN])
@pytest.mark.parametrize(
    ("quiet", "mine", "theirs", "tells"),
    [(0, 0, 2, True), (1, 1, 6, True), (0, 0, 0, False), (1, 1, 1, False), (0, 2, 2, False), (0, 2, 4, False)],
    ids=["theirs-alone", "theirs-and-our-looks", "stands", "counts-our-looks", "counts-everybody", "counts-everybody-more"],
)
def test_a_number_tells_when_it_follows_their_work_alone(
    order: Sequence[str],
    quiet: int,
    mine: int,
    theirs: int,
    tells: bool,  # noqa: FBT001 - a parameter
) -> None:
    """By its own step without the work and with one's own, and by another each time with theirs."""
    values = stepped({"quiet": quiet, "mine": mine, "theirs": theirs}, order)

    assert bool(telling(looked(values, order))) is tells


def test_a_clock_of_its_own_does_not_keep_to_an_irregular_order() -> None:
    """It may keep to the regular one by chance."""
    ticks = [float(place // 3 * 10) for place in range(len(AGAIN) + 1)]

    assert telling(looked(ticks[: len(ORDER) + 1]))
    assert not telling(looked(ticks, AGAIN))


def test_a_number_that_does_not_follow_each_time_tells_nothing() -> None:
    """Nor does one that is no number at times."""
    once = [0.0, 0, 0, 2, *[2.0] * (len(ORDER) - 3)]

    assert telling(looked(once)) == ()
    assert telling(looked([float("nan"), *once[1:]])) == ()


@given(st.integers(0, 1000))
def test_what_is_steady_never_tells(step: int) -> None:
    """However it goes on, a number whose steps are alike with and without the work tells nothing."""
    assert telling(looked([float(step * place) for place in range(len(ORDER) + 1)])) == ()


def test_numbers_are_called_by_what_is_before_them() -> None:
    """In Prometheus' format by name and labels, elsewhere by the words before."""
    assert numbers('# HELP a b\na_total{tenant="x"} 3\nb 1.5 1700000000\n') == {'a_total{tenant="x"}': 3.0, "b": 1.5}
    assert list(numbers('{"queued": 4, "done": 7}').values()) == [4.0, 7.0]
    assert numbers("no number, v1.2.3 neither") == {}


def test_looks_are_taken_in_order() -> None:
    """A quiet one, one after one's own work, and one after theirs."""
    done: list[str] = []
    works = {MINE: lambda: done.append("mine"), THEIRS: lambda: done.append("theirs")}
    looks = watched(lambda: {"n": float(len(done))}, works, ORDER)

    assert [page["n"] for _, page in looks][:4] == [0, 0, 1, 2]
    assert [word for word, _ in looks] == ["first", *ORDER]
    assert done[:2] == ["mine", "theirs"]


def test_a_page_that_tells_fails_and_no_work_proves_nothing() -> None:
    """With the number's name."""
    assert judge("pages", {"/metrics": ("requests_total",)}, pages=1, worked=9).outcome is Outcome.FAIL
    assert judge("pages", {"/metrics": ()}, pages=1, worked=9).outcome is Outcome.PASS
    assert judge("pages", {}, pages=0, worked=0).outcome is Outcome.ERROR
