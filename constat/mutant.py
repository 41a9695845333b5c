"""A mutant: a defect planted on purpose, which a control must notice; and a harmless change, which none may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from constat.control import FAMILIES
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack

State: TypeAlias = dict[str, Any]  # JSON: what reverting needs, written to the journal before planting


class Scope(StrEnum):
    """How much of a stack a mutant touches, and so what may run beside it."""

    DATABASE = "database"
    STORE = "store"
    COMPONENT = "component"
    STACK = "stack"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A defect: how it is planted, seen, and undone.

    One that `expects` PASS is a *harmless change*: something done right, on which each
    of its controls must stay settled.  Its id begins with SAFE, that of a defect with MUT.

    prepare(stack)        what reverting will need; changes nothing
    plant(stack, state)   make the defect, through the stack's own administration
    confirm(stack, state) whether the defect is really there, by an observation of its own
    revert(stack, state)  undo it completely; may be called when planting was cut short, or twice
    fingerprint(stack)    everything that planting touches, as text: equal before and after
    """

    id: str
    title: str
    scope: Scope
    controls: tuple[str, ...]
    plant: Callable[[Stack, State], None]
    confirm: Callable[[Stack, State], bool]
    revert: Callable[[Stack, State], None]
    fingerprint: Callable[[Stack], str]
    prepare: Callable[[Stack], State] = lambda _stack: {}
    expects: Outcome = Outcome.FAIL

    @property
    def is_harmless(self) -> bool:
        """Whether it is no defect at all, so that an alarm about it is a false one."""
        return self.expects is Outcome.PASS

    @property
    def family(self) -> str:
        """The family of the controls that must kill it."""
        return FAMILIES[self.id.split("-")[1]]
