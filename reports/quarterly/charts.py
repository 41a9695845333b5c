"""Charts as SVG: a line with milestones, a curve, a window. They carry their own colours and ask for nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WIDTH: Final = 720
LEFT, RIGHT = 92, 34
INK, QUIET, LINE, GOOD, BAD, DOUBT = "#1d1c1a", "#5c5850", "#d5d0c8", "#2f7d52", "#b3261e", "#8a8378"
FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
_TICKS: Final = 7
_FAR: Final = 4  # times the highest value: a promise beyond that would flatten the curve
_LANE: Final = 26


@dataclass(frozen=True)
class Span:
    """A stretch of a lane, in the axis' unit."""

    began: float
    ended: float
    colour: str


@dataclass(frozen=True)
class Lane:
    """A named line of stretches; what no stretch covers has the colour of the ground, or none."""

    name: str
    spans: tuple[Span, ...]
    ground: str = ""


@dataclass(frozen=True)
class Axis:
    """From the unit of the data to the picture's."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value is drawn; what lies outside is drawn at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / ((self.high - self.low) or 1.0)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> tuple[float, ...]:
        """Round values, about seven of them."""
        step = _round_step((self.high - self.low) / _TICKS or 1.0)
        first = math.ceil(self.low / step)
        return tuple(step * number for number in range(first, math.floor(self.high / step) + 1))


def lanes(rows: Sequence[Lane], moments: Sequence[float], axis: Axis, label: Callable[[float], str], *, title: str) -> Markup:
    """Lanes one below the other, numbered moments across them, and an axis below."""
    places = _rows_of(moments, axis)
    top = 24 + 17 * max(places, default=0)
    bottom = top + _LANE * len(rows) + 4
    parts = [*_grid(axis, top, bottom, label)]
    for number, row in enumerate(rows):
        parts += _lane(row, axis, top + _LANE * number + 5)
    for number, (moment, place) in enumerate(zip(moments, places, strict=True), 1):
        parts += _moment(number, axis.at(moment), 12 + 17 * place, bottom)
    return _picture(parts, bottom + 22, title)


def curve(points: Sequence[tuple[float, float]], limit: float | None, axis: Axis, label: Callable[[float], str], *, title: str) -> Markup:
    """A curve over an axis, with the promise as a dashed line across it; a promise far above it is named at the top."""
    top, bottom = 16.0, 194.0
    peak = max((value for _, value in points), default=0.0) or 1.0
    is_far = limit is not None and limit > _FAR * peak
    highest = 1.08 * (peak if is_far or limit is None else max(peak, limit))

    def height(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    line = " ".join(f"{axis.at(at):.2f},{height(value):.2f}" for at, value in points)
    parts = [*_grid(axis, top, bottom, label), *_scale(highest, height, label)]
    parts.append(f'<polyline points="{line}" fill="none" stroke="{INK}" stroke-width="1.4"/>')
    if limit is not None:
        parts.append(_named(label(limit)) if is_far else _promise(height(limit)))
    return _picture(parts, bottom + 22, title)


def _promise(y: float) -> str:
    where = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.2f}" y2="{y:.2f}"'
    return f'<line {where} stroke="{BAD}" stroke-width="1.4" stroke-dasharray="6 4"/>'


def _named(promise: str) -> str:
    place = f'x="{WIDTH - RIGHT}" y="10" font-size="10.5" text-anchor="end"'
    return f'<text {place} fill="{BAD}">\N{UPWARDS ARROW} {escape(promise)}</text>'


def _lane(row: Lane, axis: Axis, y: float) -> Iterable[str]:
    yield f'<text x="0" y="{y + 12:.1f}" font-size="11.5" fill="{INK}">{escape(row.name)}</text>'
    if row.ground:
        yield _bar(axis.at(axis.low), axis.at(axis.high), y, row.ground)
    for span in row.spans:
        yield _bar(axis.at(span.began), axis.at(span.ended), y, span.colour)


def _bar(left: float, right: float, y: float, colour: str) -> str:
    return f'<rect x="{left:.2f}" y="{y:.1f}" width="{max(right - left, 1.2):.2f}" height="16" fill="{colour}"/>'


def _moment(number: int, x: float, y: float, bottom: float) -> Iterable[str]:
    yield f'<line x1="{x:.2f}" x2="{x:.2f}" y1="{y + 7:.1f}" y2="{bottom:.1f}" stroke="{INK}" stroke-width="0.8" stroke-dasharray="2 2"/>'
    yield f'<circle cx="{x:.2f}" cy="{y:.1f}" r="7.5" fill="#ffffff" stroke="{INK}"/>'
    yield f'<text x="{x:.2f}" y="{y + 3.6:.1f}" font-size="10" text-anchor="middle" fill="{INK}">{number}</text>'


def _grid(axis: Axis, top: float, bottom: float, label: Callable[[float], str]) -> Iterable[str]:
    for tick in axis.ticks():
        x = axis.at(tick)
        yield f'<line x1="{x:.2f}" x2="{x:.2f}" y1="{top:.1f}" y2="{bottom:.1f}" stroke="{LINE}" stroke-width="1"/>'
        yield f'<text x="{x:.2f}" y="{bottom + 15:.1f}" font-size="10.5" text-anchor="middle" fill="{QUIET}">{escape(label(tick))}</text>'


def _scale(highest: float, height: Callable[[float], float], label: Callable[[float], str]) -> Iterable[str]:
    for tick in Axis(0.0, highest).ticks()[::2]:
        y = height(tick)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.2f}" y2="{y:.2f}" stroke="{LINE}" stroke-width="1"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.2f}" font-size="10.5" text-anchor="end" fill="{QUIET}">{escape(label(tick))}</text>'


def _picture(parts: Iterable[str], height: float, title: str) -> Markup:
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    opening = f'<svg class="chart" role="img" aria-label="{escape(title)}" {size} font-family="{FONT}">'
    return Markup(opening + "".join(parts) + "</svg>")  # noqa: S704 - every text in it went through escape()


def _rows_of(moments: Sequence[float], axis: Axis) -> list[int]:
    """In which row each number stands, so that no two cover each other."""
    ends: list[float] = []
    rows = []
    for moment in moments:
        x = axis.at(moment)
        row = next((place for place, end in enumerate(ends) if x - end >= 17), len(ends))  # noqa: PLR2004 - a circle and a gap
        ends[row : row + 1] = [x]
        rows.append(row)
    return rows


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10 … (and of the clock's own steps above a minute)."""
    clock = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000]
    power = 10.0 ** math.floor(math.log10(rough))
    plain = [power * factor for factor in (1, 2, 5, 10)]
    steps = clock if clock[0] * 0.6 < rough <= clock[-1] else plain
    return next((step for step in steps if step >= rough), plain[-1])
