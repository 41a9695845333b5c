"""What is left of a tenant, and whether anything could have been."""

from __future__ import annotations

from constat.attempt import Answer
from constat.outcome import Outcome
from suites.tenancy.residue.test_residue import expiry, judge_door, judge_store

NOTHING, SOMETHING = Answer(kind="ok"), Answer(kind="ok", shown="viridial: public.properties (1 rows)")
UNSEEN = Answer(kind="could not look", shown="the store does not answer")


def test_what_is_still_there_fails() -> None:
    """And is named."""
    said = judge_store("database", SOMETHING, SOMETHING)

    assert said.outcome is Outcome.FAIL
    assert "public.properties" in said.reason


def test_nothing_left_of_something_passes() -> None:
    """It was there, and is not."""
    assert judge_store("database", SOMETHING, NOTHING).outcome is Outcome.PASS


def test_nothing_left_of_nothing_proves_nothing() -> None:
    """And neither does what could not be searched."""
    assert judge_store("database", NOTHING, NOTHING).outcome is Outcome.ERROR
    assert judge_store("database", SOMETHING, UNSEEN).outcome is Outcome.ERROR
    assert judge_store("database", UNSEEN, NOTHING).outcome is Outcome.ERROR


def test_a_door_must_have_been_open_to_be_shut() -> None:
    """Let in before and refused now; still let in; never let in."""
    refused = Answer(kind="http 401")

    assert judge_door("the API", NOTHING, refused).outcome is Outcome.PASS
    assert judge_door("the API", NOTHING, NOTHING).outcome is Outcome.FAIL
    assert judge_door("the API", refused, refused).outcome is Outcome.ERROR


def test_a_backup_expires_by_its_label() -> None:
    """The day that is in it, and the retention."""
    assert expiry("20261121-151400F_20261122-010000I", 30) == "2026-12-21"
