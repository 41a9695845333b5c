"""An objective's measurement: how a finding says which promised number it judges, and how finely it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constat.finding import Finding, Json
    from constat.outcome import Outcome

# The names under which findings tell how fine a measurement is, in seconds.
_RESOLUTIONS = ("resolution", "uncertainty")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measurement of an objective; seconds, and days for the retention."""

    objective: str  # a field of the target's [objectives.recovery]
    control: str
    subject: str
    outcome: Outcome
    promised: float
    measured: float | None  # None: worse than could be waited for
    resolution: float | None  # None: not known
    details: dict[str, Json]


def promise(objective: str, value: float, *, unit: str = "seconds") -> dict[str, Json]:
    """What a finding expects that judges an objective; `observed` has the same unit as a key."""
    return {"objective": objective, unit: value}


def measurement(finding: Finding) -> Measurement | None:
    """The measurement in a finding, or None when it judges no objective."""
    expected, observed = finding.expected, finding.observed
    if not isinstance(expected, dict) or not isinstance(observed, dict) or "objective" not in expected:
        return None
    unit = "days" if "days" in expected else "seconds"
    resolutions = [value for name in _RESOLUTIONS if (value := _number(observed.get(name))) is not None]
    return Measurement(
        objective=str(expected["objective"]),
        control=finding.control,
        subject=finding.subject,
        outcome=finding.outcome,
        promised=float(expected[unit]),
        measured=_number(observed.get(unit)),
        resolution=max(resolutions, default=None),
        details={name: value for name, value in observed.items() if name not in {unit, *_RESOLUTIONS}},
    )


def _number(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
