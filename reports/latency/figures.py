"""What the report shows of each load run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.latency import charts
from reports.latency.samples import Unread, runs

if TYPE_CHECKING:
    from markupsafe import Markup

    from reports.latency.samples import Gate, Measured
    from reports.messages import Messages
    from reports.run import Result, Run


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A load run as the report shows it; `unread` says why there is nothing to show."""

    result: Result
    sentence: str = ""
    charts: tuple[tuple[str, Markup], ...] = ()
    gates: tuple[Gate, ...] = ()
    unread: str = ""


def figures(run: Run, t: Messages) -> tuple[Figures, ...]:
    """One a load run; none where none was made."""
    return tuple(Figures(result=one.result, unread=one.why) if isinstance(one, Unread) else _drawn(one, t) for one in runs(run))


def _drawn(measured: Measured, t: Messages) -> Figures:
    drawn = (("heat", charts.heat_map), ("distribution", charts.distribution), ("instrument", charts.instrument))
    return Figures(
        result=measured.result,
        sentence=measured.sentence,
        charts=tuple((name, draw(measured, t)) for name, draw in drawn),
        gates=measured.gates,
    )
