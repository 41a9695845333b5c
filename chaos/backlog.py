"""Whether what was written while the store was away has got there after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.judgement import Judgement
from constat.observe.archive import place
from constat.observe.exposure import followed
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.observe.archive import Segment


def caught_up(segments: Iterable[Segment], *, before: int, meanwhile: Iterable[str], last: str) -> Judgement:
    """FAIL when a segment between the last one before the fault and the first one after it is not stored; a pure function."""
    there, wanted = list(segments), place(last).number
    end = followed(before, (segment for segment in there if segment.place.number > before))
    numbers = {segment.place.number for segment in there}
    dropped = [name for name in meanwhile if place(name).number not in numbers]
    is_whole = end >= wanted and not dropped
    return Judgement(
        subject="what was written meanwhile",
        outcome=Outcome.PASS if is_whole else Outcome.FAIL,
        reason=f"all {wanted - before} segments since before the fault are in the store"
        if is_whole
        else f"the store has the log up to segment {end} and not to {wanted}; dropped: {', '.join(dropped) or 'others'}",
        expected=wanted,
        observed=end if not dropped else before,
    )
