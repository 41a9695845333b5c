"""Charts: everything stays inside of the picture, and no text is markup."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from reports.quarterly.charts import GOOD, WIDTH, Axis, Lane, Span, curve, lanes

FINITE = st.floats(-1e7, 1e7)
SPANS = st.lists(st.builds(Span, FINITE, FINITE, st.just(GOOD)), max_size=4).map(tuple)


def drawn(picture: str) -> list[float]:
    """Every horizontal place in a picture; the picture is well-formed."""
    root = ET.fromstring(picture)  # noqa: S314 - our own picture
    named = [element.get(name) for element in root.iter() for name in ("x", "x1", "x2", "cx")]
    points = [pair.split(",")[0] for element in root.iter() for pair in (element.get("points") or "").split()]
    return [float(value) for value in [*named, *points] if value is not None]


@given(st.lists(st.builds(Lane, st.text(max_size=5), SPANS), max_size=4), st.lists(FINITE, max_size=9), FINITE, FINITE)
def test_lanes_stay_in_the_picture(rows: list[Lane], moments: list[float], one: float, other: float) -> None:
    """Whatever the values, nothing is drawn outside; each moment has its number."""
    named = [Lane(re.sub(r"[^ -~]", "?", row.name), row.spans) for row in rows]
    picture = lanes(named, moments, Axis(min(one, other), max(one, other)), lambda at: f"{at:g}", title="<t>")

    assert all(0 <= x <= WIDTH for x in drawn(picture))
    assert picture.count("<circle") == len(moments)


@given(st.lists(st.tuples(FINITE, st.floats(0, 1e7)), min_size=1, max_size=9), st.none() | st.floats(0, 1e7))
def test_a_curve_stays_in_the_picture(points: list[tuple[float, float]], limit: float | None) -> None:
    """The promise is drawn where there is one, and only there."""
    axis = Axis(min(at for at, _ in points), max(at for at, _ in points))
    picture = curve(points, limit, axis, lambda at: f"{at:g}", title="curve")

    assert all(0 <= x <= WIDTH for x in drawn(picture))
    is_far = limit is not None and limit > 4 * (max(value for _, value in points) or 1.0)
    assert ("stroke-dasharray" in picture) == (limit is not None and not is_far)
    assert ("\N{UPWARDS ARROW}" in picture) == is_far


@given(st.floats(-1e6, 1e6), st.floats(0.01, 1e7))
def test_ticks_are_few_and_inside(low: float, length: float) -> None:
    """An axis has at most a dozen ticks, between its ends."""
    ticks = Axis(low, low + length).ticks()

    assert len(ticks) <= 12
    assert all(low - 1e-6 * abs(low) - 1e-9 <= tick <= low + length + 1e-6 * abs(low + length) + 1e-9 for tick in ticks)


def test_a_name_is_no_markup() -> None:
    """A lane's name is text."""
    assert "<script>" not in lanes([Lane("<script>", ())], [], Axis(0, 1), str, title="<b>")
