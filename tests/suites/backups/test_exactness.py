"""Exactness on both sides of a restore's target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat import entries
from constat.outcome import Outcome
from suites.backups.exactness import Written, judge

if TYPE_CHECKING:
    from constat.entries import Entry

ORGANIZATION = "11111111-0000-4000-8000-000000000001"
NEIGHBOUR = "11111111-0000-4000-8000-000000000010"


def rows(writer: str, number: int = 8) -> tuple[Entry, ...]:
    """So many rows of a writer."""
    return tuple(entries.seal(ORGANIZATION, writer=writer, seq=seq, previous_hash="") for seq in range(number))


WRITTEN = Written(tenant="t1", before=rows("before"), after=rows("after"))


def test_the_exact_prefix_passes() -> None:
    """Everything from before the target and nothing from after it is what was asked for."""
    assert judge(WRITTEN, WRITTEN.before).outcome is Outcome.PASS


@given(st.sets(st.integers(min_value=0, max_value=7)), st.sets(st.integers(min_value=0, max_value=7)))
def test_both_sides_are_counted(missing: set[int], extra: set[int]) -> None:
    """What is missing before and what is there from after are told apart, to the row."""
    found = [row for row in WRITTEN.before if row.seq not in missing] + [row for row in WRITTEN.after if row.seq in extra]

    judged = judge(WRITTEN, found)

    assert judged.observed["missing before the target"] == len(missing)
    assert judged.observed["there from after the target"] == len(extra)
    assert judged.outcome is (Outcome.FAIL if missing or extra else Outcome.PASS)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ([*WRITTEN.before, WRITTEN.before[0]], "there more than once"),
        ([*WRITTEN.before[1:], replace(WRITTEN.before[0], payload="other")], "there and never written so"),
        ([*WRITTEN.before, replace(WRITTEN.before[0], organization_id=NEIGHBOUR)], "there and never written so"),
    ],
    ids=["twice", "changed", "of a neighbour"],
)
def test_a_row_that_is_not_as_it_was_written_fails(found: list[Entry], what: str) -> None:
    """A row that came back twice, changed, or from a neighbour is told as what it is."""
    judged = judge(WRITTEN, found)

    assert judged.outcome is Outcome.FAIL
    assert judged.observed[what] == 1


@pytest.mark.parametrize("written", [replace(WRITTEN, before=()), replace(WRITTEN, after=())], ids=["before", "after"])
def test_a_side_without_a_row_proves_nothing(written: Written) -> None:
    """When nothing was written on one side, nothing was compared there."""
    assert judge(written, written.before).outcome is Outcome.ERROR
