"""The three forms of a negative claim: attempt, admission, indistinguishable.

Each observes first and judges then, in different functions, so that the judging can be
proven without a server.  A green needs three things: the permitted twin has succeeded by
the same path, the oracle has seen that there was something to reach, and the forbidden
act was refused in a way that was declared beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.evidence import Evidence
from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST_OBSERVATION: Final = 400


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an act came back with: a kind from a closed set, and everything it showed.

    `kind` is `ok`, or how it was refused: `sqlstate 42501`, `http 403`, `zero rows`,
    `refused`, `noperm` …  `shown` is the whole answer: rows, body, headers, notices.
    """

    kind: str
    shown: str = ""
    # The act itself proves that it reached what is not the actor's: more rows than it owns.
    reached: bool = False

    def shows(self, canary: str) -> bool:
        """Whether the canary is in the answer, in whatever case and spelling of a uuid or hex."""
        plain = self.shown.lower()
        return canary.lower() in plain or canary.lower().replace("-", "") in plain.replace("-", "")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A forbidden act together with its permitted twin and an oracle."""

    subject: str
    own_canary: str
    foreign_canaries: tuple[str, ...]
    refusals: frozenset[str]
    permitted: Callable[[], Answer]
    forbidden: Callable[[], Answer]
    # What is really there of the victim, read with full rights; must contain a foreign canary.
    oracle: Callable[[], str]
    reproduction: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an attempt observed."""

    permitted: Answer
    before: str
    forbidden: Answer
    after: str


def attempt(plan: Attempt) -> Judgement:
    """Carry an attempt out and judge it; what could not be observed is ERROR."""
    try:
        seen = observe(plan)
    except Unobservable as problem:
        return Judgement(subject=plan.subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return judge(plan, seen)


def observe(plan: Attempt) -> Seen:
    """Permitted twin, oracle, forbidden act, oracle: in this order."""
    permitted, before = plan.permitted(), plan.oracle()
    return Seen(permitted=permitted, before=before, forbidden=plan.forbidden(), after=plan.oracle())


def judge(plan: Attempt, seen: Seen) -> Judgement:
    """Say how the attempt ended; a pure function of what was seen."""
    outcome, reason = _verdict(plan, seen)
    return Judgement(
        subject=plan.subject,
        outcome=outcome,
        reason=reason,
        expected=sorted(plan.refusals),
        observed=[seen.forbidden.kind],
        positive_control=f"own data by the same path: {seen.permitted.kind}",
        evidence=_evidence(plan, seen) if outcome is not Outcome.PASS else (),
    )


def _verdict(plan: Attempt, seen: Seen) -> tuple[Outcome, str]:  # noqa: PLR0911 - the list of what a green needs, in order
    victims = [canary for canary in plan.foreign_canaries if canary in seen.before]
    leaked = [canary for canary in plan.foreign_canaries if seen.forbidden.shows(canary) or seen.permitted.shows(canary)]
    if seen.forbidden.reached:
        return Outcome.FAIL, f"the act reached another tenant's data: {clip(seen.forbidden.shown)}"
    if leaked:
        return Outcome.FAIL, f"the answer shows another tenant's canary ({seen.forbidden.kind})"
    if not victims:
        return Outcome.ERROR, "the oracle does not see the victim's canary: nothing was there to be reached"
    if seen.before != seen.after:
        return Outcome.FAIL, f"the victim's data changed ({seen.forbidden.kind})"
    if seen.permitted.kind != "ok" or not seen.permitted.shows(plan.own_canary):
        return Outcome.ERROR, f"the permitted twin did not succeed: {seen.permitted.kind} {clip(seen.permitted.shown)}"
    if seen.forbidden.kind not in plan.refusals:
        return Outcome.ERROR, f"neither a leak nor a declared refusal: {seen.forbidden.kind} {clip(seen.forbidden.shown)}"
    return Outcome.PASS, f"refused: {seen.forbidden.kind}"


@dataclass(frozen=True, kw_only=True)
class Admission:
    """An actor with no data of its own, and its authorised twin by the same path."""

    subject: str
    refusals: frozenset[str]
    authorised: Callable[[], Answer]
    unauthorised: Callable[[], Answer]
    reproduction: str = ""


def admission(plan: Admission) -> Judgement:
    """The twin must get in (`ok`), then the other must be refused in a declared way."""
    try:
        twin, other = plan.authorised(), plan.unauthorised()
    except Unobservable as problem:
        return Judgement(subject=plan.subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return judge_admission(plan, twin, other)


def judge_admission(plan: Admission, twin: Answer, other: Answer) -> Judgement:
    """Say how the admission ended; a pure function of what was seen."""
    if other.kind == "ok":
        outcome, reason = Outcome.FAIL, "was let in"
    elif twin.kind != "ok":
        outcome, reason = Outcome.ERROR, f"the authorised twin was not let in: {twin.kind} {clip(twin.shown)}"
    elif other.kind not in plan.refusals:
        outcome, reason = Outcome.ERROR, f"neither let in nor refused in a declared way: {other.kind} {clip(other.shown)}"
    else:
        outcome, reason = Outcome.PASS, f"refused: {other.kind}"
    shown = (Evidence(name="reproduction.txt", content=plan.reproduction),) if plan.reproduction and outcome is Outcome.FAIL else ()
    return Judgement(
        subject=plan.subject,
        outcome=outcome,
        reason=reason,
        expected=sorted(plan.refusals),
        observed=[other.kind],
        positive_control=f"authorised twin: {twin.kind}",
        evidence=shown,
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What was answered for something that exists at the neighbour, and for something that exists nowhere."""

    existing: str
    absent: str


def indistinguishable(subject: str, pairs: Sequence[Pair], *, enough: int) -> Judgement:
    """PASS when all pairs are alike and there are enough of them; fewer are INCONCLUSIVE."""
    different = [pair for pair in pairs if pair.existing != pair.absent]
    if different:
        outcome, reason = Outcome.FAIL, f"{len(different)} of {len(pairs)} pairs differ: existence at the neighbour can be told"
    elif len(pairs) < enough:
        outcome, reason = Outcome.INCONCLUSIVE, f"only {len(pairs)} of {enough} pairs"
    else:
        outcome, reason = Outcome.PASS, f"{len(pairs)} pairs alike"
    first = different[0] if different else None
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=clip(first.absent) if first else "",
        observed=clip(first.existing) if first else "",
    )


def clip(text: str) -> str:
    """Shorten what was shown to what fits into a sentence."""
    return text if len(text) <= LONGEST_OBSERVATION else text[:LONGEST_OBSERVATION] + " …"


def _evidence(plan: Attempt, seen: Seen) -> tuple[Evidence, ...]:
    parts = [Evidence(name="answer.txt", content=f"{seen.forbidden.kind}\n{seen.forbidden.shown}")]
    if plan.reproduction:
        parts.append(Evidence(name="reproduction.txt", content=plan.reproduction))
    return tuple(parts)
