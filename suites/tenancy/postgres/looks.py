"""Looks: what a tenant is answered before and after another writes; what changes at each write and never otherwise is telling."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, TypeAlias

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.sessions import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import sql

    from constat.attempt import Answer
    from suites.tenancy.postgres.sessions import Attacker

    Watched: TypeAlias = list[tuple[str, sql.Composed]]

Look: TypeAlias = dict[str, str]


def judge_looks(names: list[str], looks: list[tuple[bool, Look]], written: int, *, refused: int = 0) -> Iterator[Judgement]:
    """FAIL for what changed at each of the victim's writes and never otherwise; each look says whether the victim wrote before it."""
    steps = [(wrote, before, after) for (_, before), (wrote, after) in itertools.pairwise(looks)]
    telling, unsteady = [], []
    for name in names:
        by_write = [before.get(name) != after.get(name) for wrote, before, after in steps if wrote]
        by_itself = [before.get(name) != after.get(name) for wrote, before, after in steps if not wrote]
        if all(by_write) and not any(by_itself):
            telling.append(name)
        elif any(by_itself):
            unsteady.append(name)
    for name in telling:
        yield Judgement(
            subject=name,
            outcome=Outcome.FAIL,
            reason="it changes each time that the other tenant writes, and never otherwise",
            expected="unchanged",
            observed="changed",
        )
    yield _summary(names, telling, unsteady, written=written, refused=refused)


def _summary(names: list[str], telling: list[str], unsteady: list[str], *, written: int, refused: int) -> Judgement:
    """ERROR when the victim wrote nothing or the attacker saw nothing: then nothing was shown to be untouched."""
    proven = bool(written) and bool(names)
    return Judgement(
        subject="what can be observed",
        outcome=Outcome.PASS if proven else Outcome.ERROR,
        reason=f"{len(names)} things answered, {refused} refused; {len(telling)} tell of another, {len(unsteady)} change by themselves"
        + (f" ({', '.join(unsteady[:12])})" if unsteady else ""),
        expected=[],
        observed=telling,
        positive_control=f"the other tenant wrote {written} rows between the looks",
    )


def first_look(attacker: Attacker, watched: Watched) -> Look:
    """Each alone: what is refused now is not asked again."""
    return {name: said(attacker.act(Act(statement=statement))) for name, statement in watched}


def said(answer: Answer) -> str:
    """Everything of an answer that may be compared."""
    return f"{answer.kind} {answer.shown}"


def look(attacker: Attacker, watched: Watched) -> Look:
    """All of it at once, for most is answered."""
    answers = attacker.acts([Act(statement=statement) for _, statement in watched], alike=frozenset({"ok"}))
    return {name: said(answer) for (name, _), answer in zip(watched, answers, strict=True)}
