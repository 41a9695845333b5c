"""Whether an archive is a chain without a gap: from the oldest base backup to now, across timelines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.observe.archive import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from constat.observe.archive import Backup, Fork, Segment


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The segments that a recovery to now would read, and which of them are not there."""

    first: Place
    last: Place
    missing: tuple[str, ...]
    needed: tuple[Place, ...] = ()
    orphans: tuple[int, ...] = ()  # timelines whose history is not archived, so that nothing leads to them

    @property
    def length(self) -> int:
        """How many segments a recovery would read."""
        return self.last.number - self.first.number + 1


def chain(segments: Iterable[Segment], backups: Iterable[Backup], forks: Iterable[Fork]) -> Chain:
    """Follow the newest timeline back to the oldest backup; a pure function.

    On a fork the child has the segment in which it happened whole, so the parent is
    needed up to the one before.  Raises ValueError without a backup or a segment.
    """
    there = {segment.place for segment in segments}
    parents = {fork.timeline: fork for fork in forks}
    first = min((backup.start for backup in backups if not backup.has_error), key=lambda start: start.number, default=None)
    if first is None or not there:
        msg = "there is no base backup" if first is None else "there is no segment"
        raise ValueError(msg)
    newest = max(there)
    needed, orphans = _needed(first, newest, parents)
    missing = tuple(place.name for place in needed if place not in there)
    return Chain(first=first, last=newest, missing=missing, needed=tuple(needed), orphans=orphans)


def _needed(first: Place, newest: Place, parents: Mapping[int, Fork]) -> tuple[list[Place], tuple[int, ...]]:
    needed: list[Place] = []
    timeline, end = newest.timeline, newest.number
    while timeline != first.timeline:
        fork = parents.get(timeline)
        if fork is None or fork.number < first.number:
            return _in_order(needed), (timeline,)
        needed += [Place(timeline, number) for number in range(fork.number, end + 1)]
        if fork.parent >= timeline:
            return _in_order(needed), (timeline,)  # a history that leads in a circle leads nowhere
        timeline, end = fork.parent, fork.number - 1
    needed += [Place(timeline, number) for number in range(first.number, end + 1)]
    return _in_order(needed), ()


def _in_order(places: list[Place]) -> list[Place]:
    """As a recovery reads them: by number, for each is needed of one timeline only."""
    return sorted(places, key=lambda place: place.number)
