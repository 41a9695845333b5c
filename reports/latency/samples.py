"""A load run's raw data, read back from its evidence."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from reports.evidence import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.finding import EvidenceRef
    from reports.run import Result, Run

CONTROL: Final = "control"
_NAMES: Final = ("statement.txt", "samples.csv", "plan.json", "gates.csv")
_OK: Final = "ok"


class Sample(NamedTuple):
    """One request; seconds. One that failed has taken for ever."""

    intended: float
    operation: str
    lag: float
    latency: float


class Gate(NamedTuple):
    """One property of the instrument, in words."""

    name: str
    required: str
    seen: str
    holds: bool


class Promise(NamedTuple):
    """At most this share (of a mean: nothing) takes longer than these seconds."""

    name: str
    seconds: float
    allowed: float

    @property
    def is_quantile(self) -> bool:
        """Whether it can be drawn as a corner of the distribution."""
        return self.name.startswith("p")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one control of the family kept of its run; seconds."""

    result: Result
    sentence: str
    promises: tuple[Promise, ...]
    warmup: float
    control_delay: float
    samples: tuple[Sample, ...]
    gates: tuple[Gate, ...]

    @property
    def limit(self) -> float:
        """The tightest latency that is promised, in seconds; without one there is none to exceed."""
        return min((one.seconds for one in self.promises if one.is_quantile), default=math.inf)

    @property
    def length(self) -> float:
        """Seconds from the start of the run to its last arrival."""
        return max((sample.intended for sample in self.samples), default=0.0)

    def judged(self) -> list[Sample]:
        """The platform's own requests, after the warm-up."""
        return [one for one in self.samples if one.operation != CONTROL and one.intended >= self.warmup]

    def control(self) -> list[Sample]:
        """The requests whose delay is known, after the warm-up."""
        return [one for one in self.samples if one.operation == CONTROL and one.intended >= self.warmup]


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A load run whose evidence is whole, and not what this version writes."""

    result: Result
    why: str


def runs(run: Run) -> tuple[Measured | Unread, ...]:
    """Every load run whose evidence is there; what is missing or altered is told elsewhere and drawn nowhere."""
    kept = ((result, _texts(run, finding.evidence)) for result in run.judged for finding in result.found)
    return tuple(_read(result, texts) for result, texts in kept if len(texts) == len(_NAMES))


def _texts(run: Run, refs: Iterable[EvidenceRef]) -> dict[str, str]:
    named = ((name, text_of(run, ref)) for ref in refs for name in _NAMES if ref.path.endswith(f"-{name}"))
    return {name: text for name, text in named if text}


def _read(result: Result, texts: dict[str, str]) -> Measured | Unread:
    try:
        return _measured(result, texts)
    except (ValueError, KeyError, TypeError) as problem:
        return Unread(result=result, why=f"{type(problem).__name__}: {problem}")


def _measured(result: Result, texts: dict[str, str]) -> Measured:
    plan = json.loads(texts["plan.json"])
    return Measured(
        result=result,
        sentence=texts["statement.txt"].splitlines()[0],
        promises=tuple(Promise(str(one["name"]), float(one["seconds"]), float(one["allowed"])) for one in plan["promises"]),
        warmup=float(plan["warmup"]),
        control_delay=float(plan["control_delay"]),
        samples=tuple(sorted(map(_sample, csv.DictReader(io.StringIO(texts["samples.csv"]))))),
        gates=tuple(_gate(row) for row in csv.DictReader(io.StringIO(texts["gates.csv"]))),
    )


def _sample(row: dict[str, str]) -> Sample:
    took = float(row["latency_ms"]) / 1000 if row["result"] == _OK else math.inf
    return Sample(float(row["intended_s"]), row["operation"], float(row["lag_ms"]) / 1000, took)


def _gate(row: dict[str, str]) -> Gate:
    return Gate(row["gate"], row["required"], row["seen"], row["holds"] == "yes")
