"""A judgement: what a control says of one subject, before the run gives it an identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.evidence import Evidence
    from constat.finding import Json
    from constat.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """How one subject did, expected and observed of the same type."""

    subject: str
    outcome: Outcome
    reason: str
    expected: Json = None
    observed: Json = None
    positive_control: str | None = None
    evidence: tuple[Evidence, ...] = ()
    # What the matrix of isolation shows of it; without any it is derived from the rest.
    trials: tuple[Trial, ...] = ()


def compare(subject: str, *, expected: Json, observed: Json, reason: str, positive_control: str | None = None) -> Judgement:
    """PASS when both are equal, else FAIL for that reason; of different types it is ERROR."""
    if type(expected) is not type(observed):
        outcome, why = Outcome.ERROR, f"cannot compare {type(expected).__name__} with {type(observed).__name__}"
    elif expected == observed:
        outcome, why = Outcome.PASS, "as expected"
    else:
        outcome, why = Outcome.FAIL, reason
    return Judgement(subject=subject, outcome=outcome, reason=why, expected=expected, observed=observed, positive_control=positive_control)


def coverage(attacked: int, known: int, *, what: str, left_out: tuple[str, ...] = ()) -> Judgement:
    """Say how much of what is there was looked at; what was left out is NOT_REVIEWED, by name."""
    complete = attacked == known and known > 0
    return Judgement(
        subject="coverage",
        outcome=Outcome.PASS if complete else Outcome.NOT_REVIEWED,
        reason=f"attacked {attacked} of {known} {what}" + (f"; not: {', '.join(left_out)}" if left_out else ""),
        expected=known,
        observed=attacked,
    )


class Findings(Protocol):
    """Where a control says how each subject did; the fixture `findings` is one."""

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Record each as it comes, then end the control with the worst of them."""

    def add(self, judgement: Judgement) -> None:
        """Record one finding, durably, without ending the control."""
