"""Readiness, judged from what a service says while a server is away."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.contract.test_alerting import RETENTION_SECONDS, judge_retention
from suites.contract.test_readiness import judge_silence


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"cache": "does not answer", "database": "answers"}, Outcome.PASS),
        ({"cache": "answers", "database": "answers"}, Outcome.FAIL),
        ({}, Outcome.FAIL),
    ],
)
def test_something_must_be_said(told: dict[str, str], outcome: Outcome) -> None:
    """A service that finds everything in order, or names nothing, hides it."""
    assert judge_silence("property", "cache", told).outcome is outcome


def test_a_size_is_a_second_half_of_retention() -> None:
    """Thirty days, unless a gigabyte comes first, is no promise of thirty days."""
    assert judge_retention(RETENTION_SECONDS).outcome is Outcome.PASS
    assert judge_retention(RETENTION_SECONDS, "1GiB").outcome is Outcome.FAIL
