"""Outcomes: one order, and nothing is never a pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import ExitCode, Impact, Outcome, exit_code, worst

OUTCOMES = st.lists(st.sampled_from(list(Outcome)))


def test_nothing_is_not_reviewed() -> None:
    """The worst of nothing is NOT_REVIEWED."""
    assert worst([]) is Outcome.NOT_REVIEWED


def test_nothing_is_not_proven() -> None:
    """A run in which nothing was selected does not exit 0."""
    assert exit_code([]) == ExitCode.NOT_PROVEN


@given(OUTCOMES, st.sampled_from(list(Outcome)))
def test_one_more_outcome_never_makes_it_better(outcomes: list[Outcome], more: Outcome) -> None:
    """Adding an outcome to some never improves the worst of them."""
    if outcomes:
        assert worst([*outcomes, more]).badness >= worst(outcomes).badness


@given(OUTCOMES)
def test_order_does_not_matter(outcomes: list[Outcome]) -> None:
    """The verdict does not depend on the order of the findings."""
    assert worst(outcomes) is worst(reversed(outcomes))


@given(OUTCOMES)
def test_a_fail_always_exits_1(outcomes: list[Outcome]) -> None:
    """One FAIL among any others exits 1."""
    assert exit_code([*outcomes, Outcome.FAIL]) == ExitCode.FAILED


@pytest.mark.parametrize("outcome", list(Outcome))
def test_exit_code_of_a_single_outcome(outcome: Outcome) -> None:
    """Only PASS, NOT_APPLICABLE and WAIVED exit 0; only FAIL exits 1; the rest exits 6."""
    settled = {Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.WAIVED}
    expected = 0 if outcome in settled else 1 if outcome is Outcome.FAIL else 6

    assert exit_code([outcome]) == expected


def test_a_target_allows_up_to_its_impact() -> None:
    """A target of impact `probe` allows `observe` and `probe`, not `disrupt`."""
    assert [Impact.PROBE.allows(impact) for impact in Impact] == [True, True, False]
