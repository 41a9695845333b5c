"""The repair of one tenant: its rows back as they were, and nobody else's touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.outcome import Outcome
from suites.backups.parts import Accident, Part, judge

OWN, OTHER, NONE = Part(rows=40, digest="a"), Part(rows=40, digest="b"), Part(rows=0, digest="")
THERE = {"t1": OWN, "t10": OTHER}
REPAIRED = Accident(victim="t1", before=THERE, deleted={"t1": NONE, "t10": OTHER}, after=THERE, seconds=30.0)


def said(seen: Accident, promised: float | None = 60.0) -> dict[str, Outcome]:
    """How each subject ended."""
    return {judgement.subject: judgement.outcome for judgement in judge(seen, promised=promised)}


def test_a_whole_repair_is_good() -> None:
    """Both tenants, in time."""
    assert set(said(REPAIRED).values()) == {Outcome.PASS}


@pytest.mark.parametrize(
    ("after", "subject"),
    [
        ({"t1": NONE, "t10": OTHER}, "tenant t1"),
        ({"t1": replace(OWN, digest="c"), "t10": OTHER}, "tenant t1"),
        ({"t1": OWN, "t10": replace(OTHER, rows=80)}, "tenant t10"),
    ],
    ids=["not back", "not as they were", "the other's doubled"],
)
def test_a_repair_that_is_not_exact_is_red(after: dict[str, Part], subject: str) -> None:
    """Whoever it is about."""
    assert said(replace(REPAIRED, after=after))[subject] is Outcome.FAIL


def test_a_repair_that_takes_too_long_is_red() -> None:
    """The promise of a disaster counts."""
    assert said(replace(REPAIRED, seconds=61.0))["time of the repair"] is Outcome.FAIL
    assert "time of the repair" not in said(REPAIRED, promised=None)


def test_an_accident_that_did_not_happen_proves_nothing() -> None:
    """Nothing was deleted, or nothing was there."""
    assert said(replace(REPAIRED, deleted=THERE))["tenant t1"] is Outcome.ERROR
    assert said(replace(REPAIRED, before={"t1": NONE, "t10": OTHER}))["tenant t1"] is Outcome.ERROR
