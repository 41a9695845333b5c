"""How the attempts at one relation are judged: pure functions of what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.attempt import Answer, Attempt, Seen, judge
from constat.judgement import Judgement
from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.sql import Composable

    from suites.tenancy.postgres.scenes import Plan


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A plan that was carried out: its twin, the oracle before and after, and the forbidden act."""

    plan: Plan
    own_canary: str
    foreign_canary: str
    twin: Answer
    before: str
    answer: Answer
    after: str
    statement: Composable


def judged(subject: str, tried: Sequence[Tried]) -> Judgement:
    """The subject is as good as the worst of what was tried at it; nothing tried is NOT_REVIEWED."""
    return gathered(subject, [(one.plan.how, _judged(subject, one)) for one in tried])


def gathered(subject: str, judgements: Sequence[tuple[str, Judgement]]) -> Judgement:
    """One judgement of many, each with the word for how it was tried."""
    outcome = worst(judgement.outcome for _, judgement in judgements)
    telling = next(((how, judgement) for how, judgement in judgements if judgement.outcome is outcome), None)
    if telling is None:
        return Judgement(subject=subject, outcome=outcome, reason="nothing was tried")
    how, worst_of = telling
    kinds = {word: judgement.observed for word, judgement in judgements}
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=f"{len(judgements)} attempts refused" if outcome is Outcome.PASS else f"{how}: {worst_of.reason}",
        expected=worst_of.expected,
        observed=kinds,
        positive_control=worst_of.positive_control,
        evidence=worst_of.evidence,
    )


def _judged(subject: str, one: Tried) -> Judgement:
    seen = Seen(permitted=one.twin, before=one.before, forbidden=one.answer, after=one.after)
    judgement = judge(_attempt(subject, one), seen)
    if judgement.outcome is Outcome.PASS:
        return judgement
    reproduction = f"-- {one.plan.how}, as the application ({one.plan.actor})\n{one.statement.as_string()};\n"
    return judge(_attempt(subject, one, reproduction), seen)


def _attempt(subject: str, one: Tried, reproduction: str = "") -> Attempt:
    def unasked() -> Answer:
        raise AssertionError(subject)  # what is judged has been carried out already

    return Attempt(
        subject=subject,
        own_canary=one.own_canary,
        foreign_canaries=(one.foreign_canary,),
        refusals=one.plan.refusals,
        permitted=unasked,
        forbidden=unasked,
        oracle=lambda: one.before,
        reproduction=reproduction,
    )
