"""The verdict on each objective: what was promised, what was measured at worst, how finely, and what is left between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.objective import measurement
from constat.outcome import Outcome, worst
from constat.target import Recovery

if TYPE_CHECKING:
    from constat.objective import Measurement
    from constat.target import Target
    from reports.run import Run

# How long service must hold is a rule of measuring, not a promise.
_RULES: Final = frozenset({"stable_seconds"})


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One promised number and everything that was measured of it; the verdict rests on the worst."""

    name: str
    promised: float
    measurements: tuple[Measurement, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst over all measurements; of none it is NOT_REVIEWED."""
        return worst(measured.outcome for measured in self.measurements)

    @property
    def worst(self) -> Measurement | None:
        """The measurement that decides: the worst outcome, then the largest value, where the smallest would be the better one."""
        return max(self.measurements, key=self._badness, default=None)

    @property
    def resolution(self) -> float | None:
        """The coarsest of the measurements; None when one does not say."""
        known = [measured.resolution for measured in self.measurements]
        return None if None in known else max((value for value in known if value is not None), default=None)

    @property
    def margin(self) -> float | None:
        """What is left of the promise; negative when it is broken, None when nothing can be said."""
        decisive = self.worst
        if decisive is None or decisive.measured is None:
            return None
        return (decisive.measured - self.promised) if self.is_duration_to_keep else (self.promised - decisive.measured)

    @property
    def is_duration_to_keep(self) -> bool:
        """Whether more is better: a retention, in days."""
        return self.name.endswith("_days")

    def _badness(self, measured: Measurement) -> tuple[int, float, float]:
        value = float("inf") if measured.measured is None else measured.measured
        return measured.outcome.badness, -value if self.is_duration_to_keep else value, float(measured.details.get("acknowledged", 0))


def objectives(run: Run, target: Target) -> tuple[Objective, ...]:
    """Every number that the target promises, in the order of the target file's schema."""
    found = [seen for result in run.judged for finding in result.found if (seen := measurement(finding)) is not None]
    return tuple(
        Objective(name=name, promised=float(promised), measurements=tuple(seen for seen in found if seen.objective == name))
        for name, promised in target.objectives.recovery
        if promised is not None and name not in _RULES
    )


def not_promised(target: Target) -> tuple[str, ...]:
    """The objectives that the target leaves out: a promise that nobody made is not judged."""
    given = dict(target.objectives.recovery)
    return tuple(name for name in Recovery.model_fields if given[name] is None)
