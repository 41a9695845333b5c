"""Delays of known distribution: what the stub waits, and the truth that a measurement is compared with."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A shuffled grid instead of free draws: after every GRID requests the sample is the distribution.
GRID: Final = 1000


@dataclass(frozen=True)
class Delays:
    """A distribution of delays by its quantile function (probability → seconds)."""

    quantile: Callable[[float], float]

    def sequence(self, seed: int) -> Iterator[float]:
        """Give delays in seconds for ever, in an order that the seed decides."""
        order = random.Random(seed)  # noqa: S311 - reproducible, not secret
        grid = [self.quantile((place + 0.5) / GRID) for place in range(GRID)]
        for _ in itertools.count():
            order.shuffle(grid)
            yield from grid


def parse_delays(text: str) -> Delays:
    """Read `constant:MS`, `exponential:MEAN_MS` or `mixture:MS,SLOW_MS,SLOW_SHARE`; UserError otherwise."""
    kind, _, numbers = text.partition(":")
    try:
        return _KINDS[kind](*(float(number) for number in numbers.split(",")))
    except (KeyError, ValueError, TypeError):
        msg = f"delays {text!r}: expected constant:MS, exponential:MEAN_MS or mixture:MS,SLOW_MS,SLOW_SHARE"
        raise UserError(msg) from None


def _constant(milliseconds: float) -> Delays:
    return Delays(lambda _: milliseconds / 1000)


def _exponential(mean: float) -> Delays:
    return Delays(lambda probability: -mean / 1000 * math.log1p(-probability))


def _mixture(milliseconds: float, slow: float, share: float) -> Delays:
    return Delays(lambda probability: (slow if probability >= 1 - share else milliseconds) / 1000)


_KINDS: Final[dict[str, Callable[..., Delays]]] = {"constant": _constant, "exponential": _exponential, "mixture": _mixture}
