"""The highest rate at which a promise still holds, between one that was shown to hold and one that was shown to break it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The ends of the interval are at most this far apart, as a ratio, where the data decides that far.
PRECISION: Final = 1.10


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run of the search; requests a second."""

    rate: float
    outcome: Outcome
    words: str


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The promise holds at `holds` (0: at no rate that was tried) and is broken at `breaks` (None: at none that could be offered)."""

    holds: float
    breaks: float | None
    why: str


def find_limit(probe: Callable[[float], Step], *, start: float, least: float, most: float) -> Limit:
    """Double or halve from `start` until the limit lies between two rates, then narrow them; requests a second.

    Ends early where the generator cannot offer more, and where the data does not decide: a
    longer run would be needed to say more.
    """
    steps = _bracket(probe, start=start, least=least, most=most)
    holds, breaks = 0.0, math.inf
    for step in steps:
        holds, breaks = _narrowed(step, holds, breaks)
        if step.outcome is Outcome.INCONCLUSIVE:
            return _told(holds, breaks, f"{step.rate:.0f} requests a second did not decide: {step.words}")
    while math.isfinite(breaks) and holds and breaks / holds > PRECISION:
        step = probe(math.sqrt(holds * breaks))
        if step.outcome is Outcome.INCONCLUSIVE:
            return _told(holds, breaks, f"{step.rate:.0f} requests a second did not decide: {step.words}")
        holds, breaks = _narrowed(step, holds, breaks)
    return _told(holds, breaks, "narrowed as far as asked" if math.isfinite(breaks) else f"{most:.0f} is the most that was to be tried")


def _bracket(probe: Callable[[float], Step], *, start: float, least: float, most: float) -> Iterator[Step]:
    """From the start up while it holds, or down while it is broken."""
    first = probe(start)
    yield first
    factor = 2.0 if first.outcome is Outcome.PASS else 0.5
    rate, last = start, first
    while last.outcome is first.outcome and least <= (rate := rate * factor) <= most:
        last = probe(rate)
        yield last


def _narrowed(step: Step, holds: float, breaks: float) -> tuple[float, float]:
    if step.outcome is Outcome.PASS:
        return max(holds, step.rate), breaks
    return holds, min(breaks, step.rate) if step.outcome is Outcome.FAIL else breaks


def _told(holds: float, breaks: float, why: str) -> Limit:
    return Limit(holds=holds, breaks=breaks if math.isfinite(breaks) else None, why=why)
