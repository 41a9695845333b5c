"""How many requests a tenant made in the last minute, exactly enough that its limit holds in every minute."""

from __future__ import annotations

from collections import deque
from typing import Final

_MINUTE: Final = 60


class Window:
    """Requests admitted during the last minute, counted by the second.

    No 60 seconds, wherever they begin, hold more than the limit; a slot becomes free
    again 60 to 61 seconds after it was taken.  (A token bucket of the same size would
    let twice the limit through in its first minute.)
    """

    def __init__(self) -> None:
        """Begin with nothing admitted."""
        self._admitted: deque[list[int]] = deque()  # [second, how many]
        self._total = 0

    def admit(self, now: float, limit: int) -> float:
        """Take a slot at `now` and return 0, or return the seconds until one is free."""
        second = int(now)
        while self._admitted and self._admitted[0][0] < second - _MINUTE:
            self._total -= self._admitted.popleft()[1]
        if self._total >= limit:
            return self._admitted[0][0] + _MINUTE + 1 - now
        self._take(second)
        return 0

    def _take(self, second: int) -> None:
        self._total += 1
        if self._admitted and self._admitted[-1][0] == second:
            self._admitted[-1][1] += 1
        else:
            self._admitted.append([second, 1])
