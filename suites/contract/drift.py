"""Drift: how a table of what is there differs from the one that was declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement, coverage
from constat.outcome import Outcome
from constat.settings import ABSENT, differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constat.settings import Settings, Table

# What tenants and migrations add to: one more of these is no change of what was declared.
GROWING: Final = ("queue ", "exchange ", "binding ", "relation ", "function ")
_NAMED: Final = 6


def judge_tables(declared: Table, observed: Table, silent: Mapping[str, str], *, what: str) -> Iterator[Judgement]:
    """One judgement a subject: FAIL names each setting that differs, ERROR where one was not declared or could not be asked."""
    subjects = sorted(declared.keys() | observed.keys() | silent.keys())
    for subject in subjects:
        if subject in silent:
            yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {silent[subject]}")
        elif subject not in declared:
            reason = "nothing was declared for it when the stack came up; `constat down` and `constat up` declare it"
            yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=reason)
        else:
            yield judge_settings(subject, declared[subject], observed.get(subject, {}))
    yield coverage(len(subjects) - len(silent), len(subjects), what=what, left_out=tuple(silent))


def judge_settings(subject: str, declared: Settings, observed: Settings) -> Judgement:
    """FAIL for each setting that is not as declared; a subject of which nothing was declared proves nothing."""
    if not declared:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason="the declared table of it is empty")
    found = [change for change in differences(declared, observed) if not (change[1] == ABSENT and change[0].startswith(GROWING))]
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason=_worded([name for name, _, _ in found]) if found else f"all {len(declared)} are as declared",
        expected={name: before for name, before, _ in found},
        observed={name: now for name, _, now in found},
    )


def _worded(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"not as declared: {', '.join(names[:_NAMED])}{more}"
