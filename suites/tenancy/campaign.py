"""A campaign: everything that one attacker tries at one subject, each act with its permitted twin and the oracle's word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer, clip
from constat.errors import Unobservable
from constat.evidence import Evidence
from constat.judgement import Judgement
from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

OK: Final = "ok"
# How a twin answers whose act the server has not got at all: nobody can do it, so neither can the attacker.
UNSUPPORTED: Final = "unsupported"
_NAMED_IN_REASON: Final = 4


@dataclass(frozen=True, kw_only=True)
class Act:
    """One verb: by who may, by the attacker on the victim's, and by the attacker on what exists nowhere."""

    name: str
    twin: Callable[[], Answer]
    forbidden: Callable[[], Answer]
    refusals: frozenset[str]
    absent: Callable[[], Answer] | None = None
    # What the twin must come back with, where it is a reading one.
    own: str = ""
    # It could change the victim's side.
    writes: bool = False
    reproduction: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The victim's side: what must never be shown, what is really there, and how to put it back."""

    subject: str
    canaries: tuple[str, ...]
    state: Callable[[], str]
    mend: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of one act."""

    act: Act
    twin: Answer
    answer: Answer
    absent: Answer | None = None
    changed: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How one act ended."""

    act: str
    outcome: Outcome
    reason: str
    kind: str


def besiege(place: Place, acts: Iterable[Act]) -> Judgement:
    """Carry every act out and judge the subject by the worst of them; what could not be observed is ERROR.

    The victim's side is looked at once after all of them; only when something has changed
    are the acts that write repeated one by one, to say which it was.
    """
    try:
        before = place.state()
        if missing := [canary for canary in place.canaries if canary not in before]:
            return _error(place.subject, f"the oracle does not see {len(missing)} of the victim's {len(place.canaries)} canaries")
        tried = [_try(act) for act in acts]
        if changed := difference(before, place.state()):
            place.mend()
            tried = _one_by_one(place, tried)
    except Unobservable as problem:
        return _error(place.subject, f"could not look: {problem}")
    judged = summary(place.subject, [(seen, verdict(seen, place.canaries)) for seen in tried])
    if changed and judged.outcome is not Outcome.FAIL:
        return _error(place.subject, f"the victim's side changed, and no single act does it again: {clip(changed)}")
    return judged


def _try(act: Act) -> Tried:
    return Tried(act=act, twin=act.twin(), answer=act.forbidden(), absent=act.absent() if act.absent else None)


def _one_by_one(place: Place, tried: list[Tried]) -> list[Tried]:
    """Repeat what writes, with a look after each."""
    done = []
    for seen in tried:
        if seen.act.writes:
            before = place.state()
            again = seen.act.forbidden()
            changed = difference(before, place.state())
            if changed:
                place.mend()
            done.append(replace(seen, changed=changed, answer=again if changed else seen.answer))
        else:
            done.append(seen)
    return done


def difference(before: str, after: str) -> str:
    """The lines that are on one side only; empty when both are the same."""
    old, new = before.splitlines(), after.splitlines()
    lines = [f"- {line}" for line in old if line not in new] + [f"+ {line}" for line in new if line not in old]
    return "\n".join(lines) if lines else ("" if before == after else "the same lines in another order")


def verdict(seen: Tried, canaries: Sequence[str]) -> Verdict:
    """Say how one act ended; a pure function of what was seen."""
    outcome, reason = _judged(seen, canaries)
    return Verdict(act=seen.act.name, outcome=outcome, reason=reason, kind=seen.answer.kind)


def _judged(seen: Tried, canaries: Sequence[str]) -> tuple[Outcome, str]:  # noqa: PLR0911 - the list of what a green needs, in order
    act, answer, twin = seen.act, seen.answer, seen.twin
    if answer.reached:
        return Outcome.FAIL, f"reached what is not the attacker's: {clip(answer.shown)}"
    if any(answer.shows(canary) for canary in canaries):
        return Outcome.FAIL, f"the answer shows the victim's canary ({answer.kind})"
    if seen.changed:
        return Outcome.FAIL, f"the victim's side changed ({answer.kind}): {clip(seen.changed)}"
    if answer.kind == OK:
        return Outcome.FAIL, f"was carried out: {clip(answer.shown)}"
    if seen.absent is not None and _worded(seen.absent) != _worded(answer):
        return Outcome.FAIL, f"tells what exists ({_worded(answer)}) from what does not ({_worded(seen.absent)})"
    if twin.kind not in {OK, UNSUPPORTED}:
        return Outcome.ERROR, f"the permitted twin did not succeed: {twin.kind} {clip(twin.shown)}"
    if twin.kind == OK and act.own and not twin.shows(act.own):
        return Outcome.ERROR, f"the permitted twin does not show what is its own: {clip(twin.shown)}"
    if twin.kind == OK and answer.kind not in act.refusals:
        return Outcome.ERROR, f"neither carried out nor refused in a declared way: {answer.kind} {clip(answer.shown)}"
    return Outcome.PASS, f"refused: {answer.kind}"


def _worded(answer: Answer) -> str:
    return clip(f"{answer.kind} {answer.shown}".strip())


def summary(subject: str, tried: Sequence[tuple[Tried, Verdict]]) -> Judgement:
    """One judgement that says how each act ended, and why the worst did; of no act at all it is NOT_REVIEWED."""
    outcome = worst(judged.outcome for _, judged in tried)
    telling = [(seen, judged) for seen, judged in tried if judged.outcome is outcome]
    if not telling:
        return Judgement(subject=subject, outcome=outcome, reason="nothing was tried")
    first = telling[0][0]
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=f"{len(tried)} acts refused" if outcome is Outcome.PASS else _reasons([judged for _, judged in telling]),
        expected=sorted({refusal for seen, _ in tried for refusal in seen.act.refusals}),
        observed={judged.act: [judged.kind] for _, judged in tried},
        positive_control=_twins([seen for seen, _ in tried]),
        evidence=() if outcome is Outcome.PASS else _evidence(first),
    )


def _twins(tried: Sequence[Tried]) -> str:
    """How the permitted twins fared, and what nobody can do on this server."""
    lacking = [seen.act.name for seen in tried if seen.twin.kind == UNSUPPORTED]
    fared = f"{sum(seen.twin.kind == OK for seen in tried)} of {len(tried)} permitted twins: {OK}"
    return fared + (f"; the server has not got {len(lacking)}: {clip(', '.join(lacking))}" if lacking else "")


def _reasons(telling: Sequence[Verdict]) -> str:
    named = [f"{judged.act}: {judged.reason}" for judged in telling[:1]]
    others = [judged.act for judged in telling[1 : 1 + _NAMED_IN_REASON]]
    more = f"; so do {len(telling) - 1} more acts: {', '.join(others)}" + (" …" if len(telling) - 1 > len(others) else "")
    return named[0] + (more if others else "")


def _evidence(seen: Tried) -> tuple[Evidence, ...]:
    parts = [Evidence(name="answer.txt", content=f"{seen.act.name}\n{seen.answer.kind}\n{seen.answer.shown}\n{seen.changed}")]
    if seen.act.reproduction:
        parts.append(Evidence(name="reproduction.txt", content=seen.act.reproduction))
    return tuple(parts)


def _error(subject: str, reason: str) -> Judgement:
    return Judgement(subject=subject, outcome=Outcome.ERROR, reason=reason)
