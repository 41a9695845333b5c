"""Three pictures of a load run: when it was slow, how many were how slow, and what the instrument says of itself."""

from __future__ import annotations

import bisect
import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from constat.statistics import quantile_interval
from reports.drawing import BAD, GOOD, INK, LINE, QUIET, Axes, Scale, box, curve, grid, line, picture, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from markupsafe import Markup

    from reports.latency.samples import Measured, Sample
    from reports.messages import Messages

WIDTH, LEFT, RIGHT, TOP = 720.0, 70.0, 700.0, 20.0
_COLUMNS: Final = 90
_BANDS: Final = 24
_FASTEST: Final = 0.001
_RAREST: Final = 0.0005
_FAINTEST: Final = 0.12


def heat_map(run: Measured, t: Messages) -> Markup:
    """Each column a moment of the run, each band a latency; the darker, the more of that moment's requests.

    The highest band holds what failed or never came back.
    """
    bottom = 250.0
    wide = max(1.0, run.length / _COLUMNS)
    time = Scale(low=0.0, high=max(run.length, 1.0), start=LEFT, end=RIGHT)
    latency = Scale(low=_FASTEST, high=_slowest(run), start=bottom, end=TOP + 18, logarithmic=True)
    axes = Axes(x=time, y=latency, tell_x=_seconds, tell_y=_milliseconds)
    parts = [*grid(axes), text(LEFT - 8, TOP + 9, t("latency.failed"), anchor="end")]
    parts += _cells(run, axes, wide)
    parts += _warmup(run, axes, t)
    parts += _objectives_across(run, axes)
    return picture(parts, width=WIDTH, height=bottom + 24, title=t("latency.heat"))


def distribution(run: Measured, t: Messages) -> Markup:
    """What share of the requests was slower than each latency; the promise is kept where the curve passes below the corner."""
    bottom = 230.0
    latency = Scale(low=_FASTEST, high=_slowest(run), start=LEFT, end=RIGHT, logarithmic=True)
    share = Scale(low=_RAREST, high=1.0, start=bottom, end=TOP, logarithmic=True)
    axes = Axes(x=latency, y=share, tell_x=_milliseconds, tell_y=_percent)
    parts = [*grid(axes), curve(_tail([one.latency for one in run.judged()], axes), colour=INK)]
    parts += _corners(run, axes)
    return picture(parts, width=WIDTH, height=bottom + 24, title=t("latency.distribution"))


def instrument(run: Measured, t: Messages) -> Markup:
    """Second by second: how late the generator sent, and what it measured of requests whose delay is known."""
    bottom = 150.0
    lags = _by_second(run.judged(), lambda one: one.lag)
    known = _by_second(run.control(), lambda one: one.latency)
    seen = [value for _, value in (*lags, *known) if math.isfinite(value)]
    time = Scale(low=0.0, high=max(run.length, 1.0), start=LEFT, end=RIGHT)
    height = Scale(low=0.0, high=1.15 * max([*seen, 2 * run.control_delay]), start=bottom, end=TOP)
    axes = Axes(x=time, y=height, tell_x=_seconds, tell_y=_milliseconds)
    truth = height.at(run.control_delay)
    parts = [*grid(axes), line(LEFT, truth, RIGHT, truth, colour=GOOD, dashes="6 4")]
    for points, colour in ((lags, QUIET), (known, GOOD)):
        parts.append(curve(((time.at(at), height.at(value)) for at, value in points), colour=colour))
    parts += [text(LEFT, 11, t("latency.known"), colour=GOOD), text(RIGHT, 11, t("latency.lag"), anchor="end")]
    return picture(parts, width=WIDTH, height=bottom + 24, title=t("latency.instrument"))


def _slowest(run: Measured) -> float:
    finite = [one.latency for one in run.samples if math.isfinite(one.latency)]
    promised = [one.seconds for one in run.promises if one.is_quantile]
    return 1.2 * max([*finite, *(2 * seconds for seconds in promised), 2 * _FASTEST])


def _cells(run: Measured, axes: Axes, wide: float) -> Iterator[str]:
    edges = _edges(axes.y)
    columns: dict[int, Counter[int]] = defaultdict(Counter)
    for one in run.samples:
        if one.operation != "control":
            columns[int(one.intended / wide)][_band(one.latency, edges)] += 1
    for column, bands in columns.items():
        left, right = axes.x.at(column * wide), axes.x.at((column + 1) * wide)
        for band, count in bands.items():
            bottom, top = (TOP + 12, TOP) if band > _BANDS else (axes.y.at(edges[band - 1]), axes.y.at(edges[band]))
            colour = BAD if band > _BANDS or edges[band - 1] >= run.limit else INK
            opacity = _FAINTEST + (1 - _FAINTEST) * math.sqrt(count / bands.total())
            yield box(left, top, max(right - left - 0.4, 0.6), bottom - top, colour=colour, opacity=opacity)


def _edges(scale: Scale) -> list[float]:
    ratio = math.log(scale.high / scale.low) / _BANDS
    return [scale.low * math.exp(ratio * place) for place in range(_BANDS + 1)]


def _band(latency: float, edges: Sequence[float]) -> int:
    """From 1 to the number of bands; one more for what never came."""
    return _BANDS + 1 if math.isinf(latency) else min(max(1, bisect.bisect_left(edges, latency)), _BANDS)


def _warmup(run: Measured, axes: Axes, t: Messages) -> Iterator[str]:
    if run.warmup > 0:
        end = axes.x.at(run.warmup)
        yield box(LEFT, TOP - 4, end - LEFT, axes.y.start - TOP + 4, colour=LINE, opacity=0.55)
        yield text(LEFT, 11, t("latency.warmup"))


def _objectives_across(run: Measured, axes: Axes) -> Iterator[str]:
    for one in run.promises:
        if one.is_quantile:
            y = axes.y.at(one.seconds)
            yield line(LEFT, y, RIGHT, y, colour=BAD, width=1.4, dashes="6 4")
            yield text(RIGHT, y - 4, f"{one.name} {_milliseconds(one.seconds)}", anchor="end", colour=BAD)


def _corners(run: Measured, axes: Axes) -> Iterator[str]:
    """Each promised quantile's two sides, and where the quantile lies at 95 % confidence."""
    latencies = [one.latency for one in run.judged()]
    for one in run.promises:
        if one.is_quantile:
            x, y = axes.x.at(one.seconds), axes.y.at(one.allowed)
            yield line(x, axes.y.start, x, axes.y.end, colour=BAD, width=1.4, dashes="6 4")
            yield line(axes.x.start, y, axes.x.end, y, colour=BAD, width=1.4, dashes="6 4")
            yield text(RIGHT, y - 4, f"{one.name} ≤ {_milliseconds(one.seconds)}", anchor="end", colour=BAD)
            interval = quantile_interval(latencies, quantile=1 - one.allowed)
            yield line(axes.x.at(interval.low), y, axes.x.at(interval.high), y, colour=GOOD, width=6)


def _tail(latencies: Iterable[float], axes: Axes) -> list[tuple[float, float]]:
    """The curve, thinned to what an eye can tell apart."""
    ranked = sorted(latencies)
    places: dict[tuple[float, float], None] = {}
    for rank, value in enumerate(ranked):
        if math.isfinite(value):
            share = (len(ranked) - rank) / len(ranked)
            places[round(axes.x.at(value), 1), round(axes.y.at(share), 1)] = None
    return list(places)


def _by_second(samples: Iterable[Sample], value: Callable[[Sample], float]) -> list[tuple[float, float]]:
    """The 95th percentile of each second's values."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for one in samples:
        seconds[int(one.intended)].append(value(one))
    return [(at + 0.5, sorted(values)[math.ceil(0.95 * len(values)) - 1]) for at, values in sorted(seconds.items())]


def _seconds(value: float) -> str:
    return f"{value:g} s"


def _milliseconds(value: float) -> str:
    return f"{value * 1000:.4g} ms" if value < 1 else f"{value:.3g} s"


def _percent(value: float) -> str:
    return f"{value * 100:.3g} %"
