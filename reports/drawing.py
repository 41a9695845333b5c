"""Small charts as SVG: their colours, their axes, and a picture that carries all it needs."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

INK, QUIET, LINE, GOOD, BAD = "#1d1c1a", "#5c5850", "#d5d0c8", "#2f7d52", "#b3261e"
FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
_MANTISSAS: Final = (1, 2, 5)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """From the unit of the data to the picture's; what lies outside is drawn at the edge."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value is drawn."""
        low, high, held = map(self._measure, (self.low, self.high, min(max(value, self.low), self.high)))
        return self.start + (held - low) / ((high - low) or 1.0) * (self.end - self.start)

    def ticks(self) -> tuple[float, ...]:
        """Round values between its ends, about seven."""
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [mantissa * 10.0**power for power, mantissa in itertools.product(powers, _MANTISSAS)]
            return tuple(value for value in found if self.low <= value <= self.high * 1.000001)
        step = _step((self.high - self.low) / 7 or 1.0)
        return tuple(step * place for place in range(math.ceil(self.low / step), math.floor(self.high / step) + 1))

    def _measure(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Where a chart's values lie, and how its ticks are written."""

    x: Scale
    y: Scale
    tell_x: Callable[[float], str]
    tell_y: Callable[[float], str]


def picture(parts: Iterable[str], *, width: float, height: float, title: str) -> Markup:
    """All the parts as one picture that a page can hold."""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    opening = f'<svg class="chart" role="img" aria-label="{escape(title)}" {size} font-family="{FONT}">'
    return Markup(opening + "".join(parts) + "</svg>")  # noqa: S704 - every text in it went through escape()


def grid(axes: Axes) -> Iterator[str]:
    """Lines at the ticks of both axes, with their values."""
    x, y = axes.x, axes.y
    for tick in x.ticks():
        yield line(x.at(tick), y.start, x.at(tick), y.end, colour=LINE)
        yield text(x.at(tick), y.start + 15, axes.tell_x(tick), anchor="middle")
    for tick in y.ticks():
        yield line(x.start, y.at(tick), x.end, y.at(tick), colour=LINE)
        yield text(x.start - 8, y.at(tick) + 4, axes.tell_y(tick), anchor="end")


def line(x1: float, y1: float, x2: float, y2: float, *, colour: str, width: float = 1.0, dashes: str = "") -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def curve(points: Iterable[tuple[float, float]], *, colour: str, width: float = 1.6) -> str:
    """A line through places of the picture."""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>'


def box(x: float, y: float, width: float, height: float, *, colour: str, opacity: float = 1.0) -> str:
    """A filled rectangle."""
    where = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {where} fill="{colour}" fill-opacity="{opacity:.2f}"/>'


def text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = QUIET) -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="10.5" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999999)
