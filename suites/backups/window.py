"""Which moments can be restored to: from the end of a base backup for as long as the log goes on without a gap."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from constat import artefact
from constat.judgement import Judgement
from constat.objective import promise
from constat.outcome import Outcome
from suites.backups.chain import chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from constat.evidence import Evidence
    from constat.observe.archive import Backup, Fork, Place, Segment

RETENTION: Final = "retention_days"
DAY: Final = 86400.0
# Stores and the tool stamp to the second; what is shorter than this is no gap.
GRAIN: Final = 2.0

Span: TypeAlias = tuple[float, float]  # seconds since 1970


@dataclass(frozen=True, kw_only=True)
class Window:
    """What should be covered, and what is; in order."""

    since: float
    until: float
    covered: tuple[Span, ...]
    bases: tuple[Backup, ...]

    @property
    def gaps(self) -> tuple[Span, ...]:
        """What should be covered and is not."""
        edges = [self.since, *itertools.chain(*self.covered), self.until]
        return tuple((end, begin) for end, begin in zip(edges[::2], edges[1::2], strict=True) if begin - end > GRAIN)

    @property
    def seconds(self) -> float:
        """How much is covered."""
        return sum(end - begin for begin, end in self.covered)

    @property
    def newest(self) -> float:
        """How far one can go back from the end without a gap; seconds."""
        return self.until - max((end for _, end in self.gaps), default=self.since)


def window(
    segments: Sequence[Segment], backups: Sequence[Backup], forks: Iterable[Fork], *, first: float, retention: float | None
) -> Window:
    """Put it together; a pure function.  `first` is when the first backup ever was made, `retention` what is promised in seconds.

    What has happened since the newest segment was stored is what a disaster would cost, and not judged here.
    Raises ValueError without a backup or a segment.
    """
    whole, stored = chain(segments, backups, forks), {segment.place: segment.stored_at for segment in segments}
    until = max(stored.values())
    since = first if retention is None else max(first, until - retention)
    good = [backup for backup in backups if not backup.has_error]
    spans = [span for run in _runs(whole.needed, stored) if (span := _span(run, stored, good))]
    inside = ((max(begin, since), min(end, until)) for begin, end in spans)
    return Window(since=since, until=until, covered=tuple(span for span in inside if span[0] < span[1]), bases=tuple(good))


def judge(found: Window, *, promised_days: int) -> Judgement:
    """FAIL for a gap; a platform that has not lived as long as was promised is judged by what it has lived through.  A pure function."""
    lived, gaps = (found.until - found.since) / DAY, [_words(gap) for gap in found.gaps]
    is_young = lived < promised_days - GRAIN / DAY
    so_far = f"window so far: {lived:.2f} of {promised_days} days" if is_young else f"the whole {promised_days} days"
    days = round(found.newest / DAY, 4)
    return Judgement(
        subject="window",
        outcome=Outcome.FAIL if gaps else Outcome.PASS,
        reason=f"no way back to {'; '.join(gaps[:4])}" if gaps else f"{so_far}, since {_moment(found.since)}, without a gap",
        expected={"days so far": round(lived, 4)} if is_young else promise(RETENTION, promised_days, unit="days"),
        observed={"days so far": days} if is_young else {"days": days, "uncertainty": GRAIN},
        evidence=(_evidence(found, promised_days),),
    )


def _runs(needed: Iterable[Place], there: Mapping[Place, float]) -> Iterator[list[Place]]:
    """The stretches of the chain that are there."""
    for is_there, run in itertools.groupby(needed, key=there.__contains__):
        if is_there:
            yield list(run)


def _span(run: Sequence[Place], stored: Mapping[Place, float], backups: Iterable[Backup]) -> Span | None:
    """From the first base whose own log lies in the run to the run's last segment; None where there is no such base."""
    first, last = run[0].number, run[-1].number
    ended = min((b.ended_at for b in backups if first <= b.start.number and b.stop.number <= last), default=None)
    return None if ended is None else (ended, max(ended, *(stored[place] for place in run)))


def _evidence(found: Window, promised_days: int) -> Evidence:
    spans = [{"from": _moment(begin), "to": _moment(end)} for begin, end in found.covered]
    bases = [{"label": base.label, "at": _moment(base.ended_at)} for base in found.bases if base.ended_at >= found.since - GRAIN]
    document = {"from": _moment(found.since), "to": _moment(found.until), "promised_days": promised_days}
    document |= {"covered_seconds": round(found.seconds, 1), "covered": spans, "bases": bases}
    return artefact.artefact(artefact.WINDOW, document | {"gaps": [_words(gap) for gap in found.gaps]})


def _words(gap: Span) -> str:
    return f"{_moment(gap[0])} to {_moment(gap[1])}"


def _moment(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
