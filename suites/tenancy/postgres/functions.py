"""Attack everything that the application may call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.clock import monotonic
from constat.judgement import Judgement, coverage
from constat.observe.functions import Function, functions
from constat.outcome import Outcome
from suites.tenancy.postgres import calling
from suites.tenancy.postgres.calling import unknown_types
from suites.tenancy.postgres.lore import lore_of
from suites.tenancy.postgres.planting import CANARY
from suites.tenancy.postgres.sessions import connect
from suites.tenancy.postgres.trespass import Trespass, Trespasser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.attempt import Answer
    from suites.tenancy.postgres.calling import Call
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.lore import Lore

# Aggregates and window functions run what they are made of with their owner's permission to call it, so they are called too.
CALLED: Final = frozenset({"function", "procedure", "aggregate", "window function"})

# Ids and canaries within what was given.
_PART: Final = re.compile(rf"[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|{CANARY.pattern}")


@dataclass(frozen=True, kw_only=True)
class Called:
    """A call with what exists at the neighbour, and twice with what exists nowhere."""

    call: Call
    there: Trespass
    nowhere: Answer
    again: Answer

    @property
    def tells(self) -> bool:
        """Whether the answer tells what exists; an answer that is another each time tells nothing."""
        steady = self.call.is_pair and alike(self.nowhere, self.again, self.call.absent, self.call.absent)
        return steady and not alike(self.there.answer, self.nowhere, self.call.existing, self.call.absent)


def attacked(field: Field) -> Iterator[Judgement]:
    """Every function that the application may call, one judgement each."""
    known = callable_by(field)
    with connect(field.database.app_dsn) as connection:
        trespasser = Trespasser(field, connection)
        lores = lore_of(field.oracle, known)
        for function in known:
            called = list(_all_called(trespasser, field, function, lores[function.oid]))
            unknown = () if is_only_support(function) else unknown_types(function, field.victims(), field.pair[1], lores[function.oid])
            yield judge_calls(str(function), called, foreign_canaries(field), unknown)
    none = Judgement(subject="coverage", outcome=Outcome.PASS, reason="the application may call no function but PostgreSQL's own")
    yield coverage(len(known), len(known), what="functions that the application may call") if known else none


def callable_by(field: Field) -> list[Function]:
    """What the application may call by name."""
    return [f for f in functions(field.oracle, field.login) if f.callable and not f.is_only_the_servers and f.kind in CALLED]


def foreign_canaries(field: Field) -> tuple[str, ...]:
    """Every canary that is not the attacker's."""
    return tuple(seed.canary for (_, tenant), seed in field.seeder.seeds.items() if tenant != field.pair[0])


def is_only_support(function: Function) -> bool:
    """Whether it came with an extension and has its caller's rights: a type's own input and output, which no value is known for."""
    return function.extension and not function.definer


def judge_calls(subject: str, called: list[Called], canaries: tuple[str, ...], unknown: tuple[str, ...] = ()) -> Judgement:
    """FAIL for a canary that was not given, for anything done to the victim, and for answers that tell what exists.

    NOT_REVIEWED when nothing but NULL could be given for an argument of the unknown types: that shows nothing.
    """
    for one in called:
        given = [str(value) for value in one.call.existing]
        if shows_any(one.there.answer, canaries, given):
            return _failed(subject, one, "the answer shows another tenant's canary")
        if one.there.hurt:
            return _failed(subject, one, f"the call reached the victim's rows in {', '.join(one.there.hurt)}")
        if one.tells:
            return _failed(subject, one, "what exists at the neighbour is answered otherwise than what exists nowhere")
    return _judge_unharmed(subject, called, unknown)


def _judge_unharmed(subject: str, called: list[Called], unknown: tuple[str, ...]) -> Judgement:
    """PASS when something was answered to values that mean something, or when everything is refused for want of a privilege."""
    worked = [one for one in called if not one.there.answer.kind.startswith("sqlstate")]
    if not worked:
        refusals = sorted({one.there.answer.kind for one in called})
        if refusals == ["sqlstate 42501"]:
            return Judgement(subject=subject, outcome=Outcome.PASS, reason="every call is refused: no privilege", observed=refusals)
        reason = f"no call succeeded, so nothing was attacked: {', '.join(refusals)}; its arguments mean something that nobody here knows"
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=reason, observed=refusals)
    if unknown:
        reason = f"it was called with nothing but NULL for {', '.join(unknown)}: nobody here knows a value of that type"
        return Judgement(
            subject=subject, outcome=Outcome.NOT_REVIEWED, reason=reason, observed=sorted({c.there.answer.kind for c in called})
        )
    return Judgement(
        subject=subject,
        outcome=Outcome.PASS,
        reason=f"{len(called)} calls showed and changed nothing of the neighbour's",
        observed=sorted({one.there.answer.kind for one in called}),
        positive_control=f"{len(worked)} calls were answered without an error",
    )


def shows_any(answer: Answer, canaries: tuple[str, ...], given: list[str]) -> bool:
    """Whether any of the canaries is in the answer that was not in what was given."""
    shown = answer.shown.lower()
    return any(canary in shown and not any(canary in text for text in given) for canary in canaries)


def alike(one: Answer, other: Answer, given: tuple[object, ...], others: tuple[object, ...]) -> bool:
    """Whether two answers are the same but for what was given to each."""
    return (one.kind, _without(one.shown, given)) == (other.kind, _without(other.shown, others))


def _without(text: str, given: tuple[object, ...]) -> str:
    """The answer without what was given, whole or in parts: an id out of a document, the same id given twice."""
    wholes = {str(value) for value in given if value is not None and str(value)}
    parts = {part for whole in wholes for part in _PART.findall(whole)}
    for value in sorted(wholes | parts, key=lambda one: (-len(one), one)):
        text = text.replace(value, "<given>")
    return text


def _failed(subject: str, one: Called, reason: str) -> Judgement:
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL,
        reason=f"called with {one.call.existing!r}: {reason}",
        expected=[one.nowhere.kind],
        observed=[one.there.answer.kind],
    )


def calls_of(field: Field, function: Function, lore: Lore) -> list[Call]:
    """What to call it with."""
    return calling.calls(function, field.victims(), field.pair[1], lore)


def _all_called(trespasser: Trespasser, field: Field, function: Function, lore: Lore) -> Iterator[Called]:
    """The most telling first; a slow one (a password's hash) is not called with everything."""
    start = monotonic()
    for call in calls_of(field, function, lore):
        yield _called(trespasser, function, call)
        if monotonic() - start > deadlines.FUNCTION_CALLED:
            return


def _called(trespasser: Trespasser, function: Function, call: Call) -> Called:
    there = trespasser.act([calling.statement(function, call.existing)])
    nowhere = again = there.answer
    if call.is_pair:
        nowhere = again = trespasser.act([calling.statement(function, call.absent)]).answer
        if not alike(there.answer, nowhere, call.existing, call.absent):
            again = trespasser.act([calling.statement(function, call.absent)]).answer
    return Called(call=call, there=there, nowhere=nowhere, again=again)
