"""What the sections of the report show, from the artefacts: drills, exposure, window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from reports.quarterly import charts
from reports.quarterly.charts import Axis, Lane, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from constat.finding import Json
    from reports.messages import Messages
    from reports.quarterly.artefacts import Artefact

# A stall of the harness that is shorter than this is not drawn; seconds.
SHORTEST_STALL: Final = 0.05
# How much of the time before the fault is drawn; seconds.
BEFORE: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A milestone of a drill; seconds from the fault."""

    number: int | None  # in the chart; None when it lies outside
    at: float
    after: float | None  # since the milestone before
    utc: str
    words: str


def drill(found: Artefact, t: Messages) -> tuple[Markup, tuple[Moment, ...]]:
    """The chart of a drill, and the table of its moments."""
    document = found.document
    shown = [row for row in document["moments"] if row["at"] >= -BEFORE]
    axis = Axis(max(-BEFORE, document["moments"][0]["at"]), max(row["at"] for row in document["moments"]) * 1.01)
    rows = [Lane(tenant, tuple(_outages(document, tenant)), charts.GOOD) for tenant in document["tenants"]]
    rows.append(Lane(t("quarterly.drill.harness"), tuple(_stalls(document)), "#eeece8"))
    picture = charts.lanes(
        rows, [row["at"] for row in shown], axis, lambda at: f"{at:+g} s" if at else "0", title=t("quarterly.drill.chart")
    )
    return picture, tuple(_moments(document, shown, t))


def exposure(found: Artefact, t: Messages) -> Markup:
    """The curve of what a total loss would have cost."""
    points = [(float(at), float(seconds)) for at, seconds in found.document["samples"]]
    axis = Axis(points[0][0], max(points[-1][0], points[0][0] + 1))
    return charts.curve(points, found.document.get("promised"), axis, t.duration, title=t("quarterly.exposure.title"))


def window(found: Artefact, t: Messages) -> Markup:
    """The moments that can be restored to, on a line; gaps and base backups on it."""
    document = found.document
    low, high = (datetime.fromisoformat(document[name]).timestamp() for name in ("from", "to"))
    covered = tuple(Span(_at(span["from"]), _at(span["to"]), charts.GOOD) for span in document["covered"])
    rows = [Lane(t("quarterly.window.covered"), covered, charts.BAD)]
    bases = [_at(base["at"]) for base in document["bases"]]
    begin = datetime.fromisoformat(document["from"])
    return charts.lanes(
        rows, bases, Axis(low, max(high, low + 1)), lambda at: _clock(begin, at - low, high - low), title=t("quarterly.window.title")
    )


def _outages(document: Json, tenant: str) -> Iterator[Span]:
    for row in document["outages"]:
        if row["tenant"] == tenant:
            yield Span(row["from"], row["to"], charts.BAD)


def _stalls(document: Json) -> Iterator[Span]:
    for row in document["stalls"]:
        if row["seconds"] >= SHORTEST_STALL and row["to"] >= -BEFORE:
            yield Span(row["to"] - row["seconds"], row["to"], charts.DOUBT)


def _moments(document: Json, shown: list[Json], t: Messages) -> Iterator[Moment]:
    zero = None if document["utc"] is None else datetime.fromisoformat(document["utc"])
    before: float | None = None
    for row in document["moments"]:
        words = t.texts.get(f"quarterly.milestone.{row['milestone']}", row["words"].replace("{", "{{").replace("}", "}}"))
        yield Moment(
            number=shown.index(row) + 1 if row in shown else None,
            at=row["at"],
            after=None if before is None else row["at"] - before,
            utc="" if zero is None else f"{zero + timedelta(seconds=row['at']):%H:%M:%S}",
            words=words.format(who=row["who"]),
        )
        before = row["at"]


def _at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _clock(begin: datetime, seconds: float, whole: float) -> str:
    days = 2 * 86400
    return f"{begin + timedelta(seconds=seconds):{'%d.%m.' if whole > days else '%H:%M'}}"
