"""Send every arrival when it is due, whatever has become of the earlier ones; watch the own loop meanwhile.

Only for the child process: importing it imports gevent.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import gevent
from gevent.pool import Pool
from geventhttpclient.response import HTTPParseError

from constat.clock import monotonic
from load.door import word_for
from load.operations import judge
from load.samples import UNANSWERED, Row, Stall, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from load.door import Door
    from load.operations import Shot

BEAT_SECONDS: Final = 0.005
# A beat that is later than this means that nothing else of the loop was on time either.
STALL_SECONDS: Final = 0.005
CPU_SECONDS: Final = 1.0


class Gun:
    """One run: (offset, shot, door) in order; what became of each is in `rows`."""

    def __init__(self, arrivals: Sequence[tuple[float, Shot, Door]], *, in_flight: int, timeout: float) -> None:
        """Take the arrivals, how many may be under way at once, and the seconds to wait for the last."""
        self._arrivals = arrivals
        self._pool = Pool(in_flight)
        self._timeout = timeout
        self.rows: list[Row | None] = [None] * len(arrivals)

    def fire_all(self, start: float) -> None:
        """Send them all, counting from `start` on the monotonic clock.

        A full pool shows as lag.  What is not sent when the last answer should be there
        stays unsent, so that a generator that cannot keep up ends in time and says so.
        """
        end = start + (self._arrivals[-1][0] if self._arrivals else 0.0) + self._timeout
        for index, (offset, shot, door) in enumerate(self._arrivals):
            _sleep_until(start + offset)
            if monotonic() > end:
                break
            self._pool.spawn(self._fire, index, start, shot, door)
        if not self._pool.join(timeout=self._timeout):
            self._pool.kill()

    def _fire(self, index: int, start: float, shot: Shot, door: Door) -> None:
        sent = monotonic() - start
        self.rows[index] = Row(sent, sent, UNANSWERED)
        try:
            # All of it counts from the intended start, so no request is under way for longer.
            with gevent.Timeout(max(0.0, self._arrivals[index][0] + self._timeout - sent), TimeoutError):
                answer = door.exchange(shot.method, shot.wire)
            result = judge(shot, answer.get_code(), answer.body)
        except (OSError, HTTPParseError) as problem:
            result = word_for(problem)
        self.rows[index] = Row(sent, monotonic() - start, result)


class Observer:
    """Two greenlets that watch the generator itself: is its loop on time, how busy is its core."""

    def __init__(self, start: float) -> None:
        """Count from `start` on the monotonic clock."""
        self._start = start
        self._stalls: list[Stall] = []
        self._cpu: list[float] = []
        self._greenlets = [gevent.spawn(_watching, body) for body in (self._beat, self._sample_cpu)]

    def stop(self) -> Watch:
        """Stop watching and say what was seen."""
        gevent.killall(self._greenlets)
        return Watch(stalls=tuple(self._stalls), cpu=tuple(self._cpu))

    def _beat(self) -> None:
        due = monotonic() + BEAT_SECONDS
        _sleep_until(due)
        late = monotonic() - due
        if late > STALL_SECONDS:
            self._stalls.append(Stall(due - self._start, late))

    def _sample_cpu(self) -> None:
        wall, used = monotonic(), time.process_time()
        gevent.sleep(CPU_SECONDS)
        self._cpu.append((time.process_time() - used) / (monotonic() - wall))


def _watching(body: Callable[[], None]) -> None:
    while True:
        body()


def _sleep_until(due: float) -> None:
    while (left := due - monotonic()) > 0:
        gevent.sleep(left)
