"""An approach: everything that somebody tries at one subject, judged by the worst of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from constat.attempt import Admission, Answer, admission
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from constat.stack import Listener, Stack

    Act: TypeAlias = tuple[str, Callable[[], Answer]]

Part = TypeVar("Part")
OK: Final = "ok"
# An act that is declared as everybody's, and that showed nothing private.
PUBLIC: Final = "public"


class Canaries(Protocol):
    """The canaries of a run."""

    def of(self, tenant: str, store: str) -> str:
        """The value for that tenant in that store."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every approach needs to know of the platform."""

    stack: Stack
    ca: str
    canary: str
    tenant: str  # whose names are used for what is written, should a door be open
    private: frozenset[str]  # values that no stranger may be shown: secrets, and who the tenants are

    def shows_private(self, text: str) -> bool:
        """Whether an answer to a stranger holds something private."""
        return any(value in text for value in self.private)


def required(part: Part | None, what: str) -> Part:
    """Return the capability behind a listener; Unobservable when the stack declares the one and not the other."""
    if part is None:
        msg = f"the stack declares a listener of its {what}, but no {what}"
        raise Unobservable(msg)
    return part


def named(listener: Listener) -> str:
    """A listener as findings call it: stable when ports change."""
    return f"{listener.node}/{listener.name}"


def twin(look: Callable[[], Answer]) -> Answer:
    """How somebody fares who may; also when that cannot be seen, because a stranger who is let in is a failure nevertheless."""
    try:
        return look()
    except Unobservable as problem:
        return Answer(kind="could not look", shown=str(problem))


def acts(subject: str, known: Answer, tried: Iterable[Act], *, refusals: frozenset[str]) -> list[Admission]:
    """One admission for each act of a stranger; the twin has been seen already, by the same path."""
    return [
        Admission(subject=f"{subject}: {what}", refusals=refusals, authorised=lambda: known, unauthorised=act, reproduction=what)
        for what, act in tried
    ]


def approached(subject: str, plan: Callable[[], Iterable[Admission]]) -> Judgement:
    """Carry an approach out; the subject is as good as the worst of its acts."""
    try:
        tried = [admission(act) for act in plan()]
    except Unobservable as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return worst_of(subject, tried)


def worst_of(subject: str, tried: Sequence[Judgement]) -> Judgement:
    """One judgement that says how each act ended, and why the worst did; of no act at all it is NOT_REVIEWED."""
    outcome = worst(judgement.outcome for judgement in tried)
    telling = next((judgement for judgement in tried if judgement.outcome is outcome), None)
    if telling is None:
        return Judgement(subject=subject, outcome=outcome, reason="nothing was tried")
    reason = f"refused {len(tried)} acts" if outcome is Outcome.PASS else f"{_act(telling)}: {telling.reason}"
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=sorted({refusal for judgement in tried for refusal in judgement.expected or ()}),
        observed={_act(judgement): judgement.observed for judgement in tried},
        positive_control=telling.positive_control,
        evidence=telling.evidence,
    )


def _act(judgement: Judgement) -> str:
    return judgement.subject.partition(": ")[2] or judgement.subject
