"""What a run measured: one row an arrival, and what the generator saw of itself."""

from __future__ import annotations

import bisect
import csv
import io
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from constat.clock import monotonic
from load.operations import OK
from load.plan import CONTROL, Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from load.plan import Plan

UNSENT: Final = "unsent"
UNANSWERED: Final = "unanswered"
OWN_FAULT: Final = "client:"
_COLUMNS: Final = ("intended_s", "operation", "tenant", "lag_ms", "latency_ms", "result")


class Row(NamedTuple):
    """When a request was really sent and done, in seconds from the start of the run, and how it ended."""

    sent: float
    done: float
    result: str


class Stall(NamedTuple):
    """The generator's loop did not turn: from when (seconds from the start), for how long."""

    begin: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What the generator saw of itself: stalls of its loop, and its share of a core second by second."""

    stalls: tuple[Stall, ...]
    cpu: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What the parent saw of a run, by its own clock: seconds, and a share of the machine's time.

    `before` lies between the child's birth and its first reading of its clock, `after`
    between its last reading and its end: both are small and positive while the two clocks agree.
    """

    before: float
    after: float
    stolen: float


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a child process left, from when to when it lived (the parent's clock), and what was stolen from the machine."""

    document: str
    started: float
    ended: float
    stolen: float


@dataclass(frozen=True)
class Sample:
    """One request: what was intended and what became of it.

    `excuse` is how many seconds of its way the generator's own loop stood still.
    """

    arrival: Arrival
    row: Row
    excuse: float = 0.0

    @property
    def lag(self) -> float:
        """Seconds between the intended start and the real one."""
        return self.row.sent - self.arrival.offset

    @property
    def latency(self) -> float:
        """Seconds from the intended start to the right answer; without one it is infinite."""
        return self.row.done - self.arrival.offset if self.row.result == OK else math.inf

    def shifted(self, seconds: float) -> Sample:
        """The same request so many seconds later."""
        row = self.row._replace(sent=self.row.sent + seconds, done=self.row.done + seconds)
        return Sample(self.arrival._replace(offset=self.arrival.offset + seconds), row, self.excuse)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A whole run."""

    plan: Plan
    samples: tuple[Sample, ...]
    watch: Watch
    # One a stage.
    outside: tuple[Outside, ...]
    undisturbed: bool
    core: int | None

    def window(self, belongs: Callable[[Arrival], bool]) -> tuple[Sample, ...]:
        """The samples after the warm-up, by intended start, that belong; never the control stream."""
        return tuple(
            sample
            for sample in self.samples
            if _counts(sample, self.plan) and sample.arrival.operation != CONTROL and belongs(sample.arrival)
        )

    def control(self) -> tuple[Sample, ...]:
        """The control stream after the warm-up."""
        return tuple(sample for sample in self.samples if _counts(sample, self.plan) and sample.arrival.operation == CONTROL)


def pooled(one: Measured, more: Measured) -> Measured:
    """Two stages of one plan as one run: the second's window follows the first's, the warm-ups lie before both."""
    later = one.plan.duration
    return Measured(
        plan=replace(one.plan, duration=later + more.plan.duration, stages=one.plan.stages + more.plan.stages),
        samples=one.samples + tuple(sample.shifted(later) if _counts(sample, more.plan) else sample for sample in more.samples),
        watch=Watch(
            stalls=one.watch.stalls + tuple(Stall(begin + later, seconds) for begin, seconds in more.watch.stalls),
            cpu=one.watch.cpu + more.watch.cpu,
        ),
        outside=one.outside + more.outside,
        undisturbed=one.undisturbed and more.undisturbed,
        core=one.core,
    )


def _counts(sample: Sample, plan: Plan) -> bool:
    return sample.arrival.offset >= plan.warmup


def to_document(rows: Iterable[Row | None], watch: Watch, *, born: float, undisturbed: bool, core: int | None) -> str:
    """What the child process leaves for its parent; `born` is the first reading of its clock."""
    seen = {"rows": list(rows), "stalls": watch.stalls, "cpu": watch.cpu}
    return json.dumps(seen | {"clock": (born, monotonic()), "undisturbed": undisturbed, "core": core})


def measured(plan: Plan, arrivals: Sequence[Arrival], left: Left) -> Measured:
    """Read what the child process left; ValueError when it is not of these arrivals."""
    fields = json.loads(left.document)
    first, last = fields["clock"]
    stalls = tuple(Stall(*stall) for stall in fields["stalls"])
    never = (math.inf, math.inf, UNSENT)
    rows = [Row(*(row or never)) for row in fields["rows"]]
    return Measured(
        plan=plan,
        samples=tuple(Sample(arrival, row, _excuse(arrival, row, stalls)) for arrival, row in zip(arrivals, rows, strict=True)),
        watch=Watch(stalls=stalls, cpu=tuple(fields["cpu"])),
        outside=(Outside(before=first - left.started, after=left.ended - last, stolen=left.stolen),),
        undisturbed=fields["undisturbed"],
        core=fields["core"],
    )


def to_csv(samples: Iterable[Sample]) -> str:
    """As a table: one line a request, in the order of the intended starts."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_COLUMNS)
    for sample in samples:
        arrival, took = sample.arrival, sample.row.done - sample.arrival.offset
        times = (f"{sample.lag * 1000:.3f}", f"{took * 1000:.3f}")
        table.writerow((f"{arrival.offset:.6f}", arrival.operation, arrival.tenant, *times, sample.row.result))
    return out.getvalue()


def _excuse(arrival: Arrival, row: Row, stalls: Sequence[Stall]) -> float:
    """How long the loop stood still between the intended start and the end; stalls are in order and apart."""
    first = max(0, bisect.bisect(stalls, (arrival.offset,)) - 1)
    last = bisect.bisect(stalls, (row.done,))
    return sum(max(0.0, min(row.done, begin + seconds) - max(arrival.offset, begin)) for begin, seconds in stalls[first:last])
