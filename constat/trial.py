"""A trial: what an actor tried against a store, as the matrix of isolation shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Iterable


class Act(StrEnum):
    """What an actor must not achieve against another tenant; the same in every store."""

    SEE = "see"
    CHANGE = "change"
    DESTROY = "destroy"
    BLOCK = "block"
    IMPERSONATE = "impersonate"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One cell of the matrix, as far as one judgement knows it; `count` tries, of which the worst ended so."""

    actor: str
    store: str
    act: Act
    outcome: Outcome
    count: int = 1


def gathered(trials: Iterable[Trial]) -> tuple[Trial, ...]:
    """The trials with those of one cell taken together: the worst outcome, and how many there were."""
    cells: dict[tuple[str, str, Act], list[Trial]] = {}
    for trial in trials:
        cells.setdefault((trial.actor, trial.store, trial.act), []).append(trial)
    return tuple(
        Trial(actor=actor, store=store, act=act, outcome=worst(one.outcome for one in alike), count=sum(one.count for one in alike))
        for (actor, store, act), alike in cells.items()
    )
