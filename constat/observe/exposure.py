"""A sampler of what a total loss would cost: how far the primary has written, and how far the store has it, every second."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from constat import deadlines
from constat.clock import monotonic
from constat.errors import Unobservable
from constat.observe import limits
from constat.observe.archive import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.observe.archive import Segment
    from constat.stack import Backups, Objects, Postgres

EVERY: Final = 1.0
SEGMENT: Final = 16 << 20
_POSITION: Final = "SELECT pg_current_snapshot()::text, (pg_current_wal_flush_lsn() - '0/0')::int8"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """At a moment of the monotonic clock: how far transactions had written and the store had it; None where nobody answered."""

    at: float
    written: int | None
    stored: int | None


def begun(position: int, stored: int) -> int:
    """From where the curve begins: nobody knows how old the rest of a segment is that is being written, so it is as new as the run.

    A whole segment that is not stored is another matter.  A pure function.
    """
    return stored if position < stored + SEGMENT else position


def followed(end: int, segments: Iterable[Segment]) -> int:
    """Up to which number the log is stored without a gap, from an end and what is listed after it; a pure function."""
    for segment in sorted(segments, key=lambda segment: segment.place.number):
        if segment.place.number > end + 1:
            break
        end = max(end, segment.place.number)
    return end


class Sampler(threading.Thread):
    """Looks every second until it is told to stop; it never disturbs: one statement, one listing of what is new."""

    def __init__(self, postgres: Postgres, backups: Backups, objects: Objects) -> None:
        """Take where to look; nothing is asked yet."""
        super().__init__(name="exposure", daemon=True)
        self._dsn = make_conninfo(postgres.admin_dsn, connect_timeout=int(deadlines.PROBE_CONNECT))
        self._repository = Repository(backups, objects)
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._newest: Segment | None = None
        self._end = -1  # the number of the last segment that is stored without a gap
        self._snapshot, self._written = "", 0  # which transactions were over, and how far the log had got then
        self._stopped = threading.Event()
        self._samples: list[Sample] = []
        self.problem = ""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What was seen so far, in order."""
        return tuple(self._samples)

    def run(self) -> None:
        """Look at every turn; a turn that comes while the last look is still under way is skipped."""
        turn = monotonic()
        try:
            while not self._stopped.wait(max(0.0, turn - monotonic())):
                self._look()
                turn += EVERY * max(1, -(-(monotonic() - turn) // EVERY))
        except Exception as problem:  # noqa: BLE001 - a sampler that dies has measured nothing; the control says so
            self.problem = f"{type(problem).__name__}: {problem}"
        finally:
            self._hang_up()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._stopped.set()
        if self.ident is not None:
            self.join(deadlines.STATEMENT_DONE + deadlines.SERVICE_ANSWERS)

    def _look(self) -> None:
        at, stored = monotonic(), self._ask_store()
        self._samples.append(Sample(at=at, written=self._ask_primary(), stored=stored))

    def _ask_primary(self) -> int | None:
        """How far it had written when a transaction ended last: what a server notes for itself in between, nobody would miss."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._dsn, autocommit=True, prepare_threshold=None)
            with limits.broken_off(self._connection):
                row = self._connection.execute(_POSITION).fetchone()
        except psycopg.Error:
            self._hang_up()
            return None
        snapshot, position = (str(row[0]), int(row[1])) if row else ("", 0)
        if snapshot != self._snapshot:
            self._written = position if self._snapshot else begun(position, (self._end + 1) * SEGMENT)
            self._snapshot = snapshot
        return self._written

    def _ask_store(self) -> int | None:
        try:
            found = self._repository.segments(after=self._newest.path if self._newest else "")
        except Unobservable:
            return None
        self._end = followed(self._end, found) if self._newest else max((s.place.number for s in found), default=-1)
        self._newest = max((s for s in found if s.place.number <= self._end), key=lambda s: s.place, default=self._newest)
        return None if self._newest is None else (self._end + 1) * SEGMENT

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
