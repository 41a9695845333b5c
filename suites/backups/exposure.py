"""What a total loss would have cost at each moment of a run: the age of what the store does not have yet."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import artefact
from constat.judgement import Judgement
from constat.objective import promise
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constat.evidence import Evidence
    from constat.observe.exposure import Sample

RPO: Final = "rpo_seconds"
# From fewer moments than these nothing is said.
FEWEST: Final = 5
# As many points as a chart has room for.
POINTS: Final = 1500


@dataclass(frozen=True)
class Exposure:
    """At a moment of the monotonic clock, what a loss would have cost; seconds."""

    at: float
    seconds: float


def exposures(samples: Sequence[Sample]) -> tuple[Exposure, ...]:
    """For each moment the time since the newest one of which the store has everything that was written; a pure function.

    The curve begins with the samples.  A moment at which nobody told how far the primary was moves nothing, and one
    at which the store was silent has what it had before: both let the curve rise.
    """
    known: list[tuple[int, float]] = []  # how far was written, and when; both rise
    found: list[Exposure] = []
    stored = 0
    for sample in samples:
        stored = max(stored, sample.stored or 0)
        if sample.written is not None:
            known.append((max(sample.written, known[-1][0] if known else 0), sample.at))
        if known:
            place = bisect.bisect_right(known, (stored, float("inf")))
            safe = known[place - 1][1] if place else known[0][1]
            found.append(Exposure(sample.at, sample.at - safe))
    return tuple(found)


def judge(samples: Sequence[Sample], *, problem: str, promised: float) -> Judgement:
    """FAIL when a loss would ever have cost more than was promised; seconds, a pure function."""
    curve = exposures(samples)
    if problem or len(curve) < FEWEST:
        reason = f"the sampler ended: {problem}" if problem else f"{len(curve)} moments were seen, expected {FEWEST} at least"
        return Judgement(subject="exposure", outcome=Outcome.ERROR, reason=reason)
    worst = max(curve, key=lambda point: point.seconds)
    blind = max((later.at - earlier.at for earlier, later in itertools.pairwise(curve)), default=0.0)
    outcome = Outcome.FAIL if worst.seconds > promised else Outcome.INCONCLUSIVE if worst.seconds + blind > promised else Outcome.PASS
    watched = curve[-1].at - curve[0].at
    return Judgement(
        subject="exposure",
        outcome=outcome,
        reason=f"a total loss would have cost {worst.seconds:.1f} s at worst, in {watched:.0f} s with {len(curve)} looks",
        expected=promise(RPO, promised),
        observed={"seconds": round(worst.seconds, 1), "resolution": round(blind, 1), "watched": round(watched)},
        evidence=(_evidence(curve, worst, promised),),
    )


def judge_fall(before: float, curve: Sequence[Exposure], *, within: float) -> Judgement:
    """FAIL when what was written before a switch of segments is not stored in time; `before` is when that was, a pure function."""
    fell = next((point.at for point in curve if point.at - point.seconds >= before), None)
    return Judgement(
        subject="what is written leaves",
        outcome=Outcome.FAIL if fell is None else Outcome.PASS,
        reason=f"what was written before a switch is not stored after {within:g} s: a loss costs more with every second"
        if fell is None
        else f"the curve falls {fell - before:.1f} s after a switch",
        expected=f"within {within:g} s",
        observed="not at all" if fell is None else f"{fell - before:.1f} s",
    )


def _evidence(curve: Sequence[Exposure], worst: Exposure, promised: float) -> Evidence:
    begin, size = curve[0].at, -(-len(curve) // POINTS)
    # Of each stretch its worst moment: a chart must not hide a peak.
    peaks = [max(curve[first : first + size], key=lambda point: point.seconds) for first in range(0, len(curve), size)]
    points = [[round(point.at - begin, 1), round(point.seconds, 1)] for point in peaks]
    document = {"promised": promised, "samples": points}
    return artefact.artefact(
        artefact.EXPOSURE, document | {"worst": {"at": round(worst.at - begin, 1), "seconds": round(worst.seconds, 1)}}
    )
