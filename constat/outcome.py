"""How a control can end: one enum, one order."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outcome(StrEnum):
    """From best to worst; the order of definition is the order of badness."""

    PASS = "PASS"  # noqa: S105 - an outcome
    NOT_APPLICABLE = "NOT_APPLICABLE"
    WAIVED = "WAIVED"
    NOT_REVIEWED = "NOT_REVIEWED"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"
    FAIL = "FAIL"

    @property
    def badness(self) -> int:
        """Its place in the order, 0 for the best."""
        return _ORDER[self]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to prove or to mend."""
        return self in {Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.WAIVED}


_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}


class Severity(StrEnum):
    """How bad a failure of a control is."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Impact(StrEnum):
    """What a control does to a target, from least to most."""

    OBSERVE = "observe"
    PROBE = "probe"
    DISRUPT = "disrupt"

    def allows(self, other: Impact) -> bool:
        """Whether a target of this impact may have a control of the other run on it."""
        order = list(Impact)
        return order.index(other) <= order.index(self)


class Occasion(StrEnum):
    """When a control is run: with every other, or only when its family or its id is asked for, because it takes minutes."""

    ALWAYS = "always"
    DRILL = "drill"


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of them; of none at all it is NOT_REVIEWED, never a pass."""
    return max(outcomes, key=lambda outcome: outcome.badness, default=Outcome.NOT_REVIEWED)


class ExitCode:
    """What a run's exit code says."""

    PROVEN = 0
    FAILED = 1
    USAGE = 4
    NOT_PROVEN = 6


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """Return 0 when all is settled, 1 with at least one FAIL, else 6; nothing at all is 6."""
    seen = worst(outcomes)
    if seen is Outcome.FAIL:
        return ExitCode.FAILED
    return ExitCode.PROVEN if seen.is_settled else ExitCode.NOT_PROVEN
