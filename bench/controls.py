"""The controls of the database's isolation, run in this process on a stack, without a report."""

from __future__ import annotations

import importlib
import pkgutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import suites.tenancy.postgres
from constat.control import control_of
from constat.judgement import Judgement
from constat.outcome import Outcome, worst
from suites.tenancy.postgres.field import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constat.stack import Stack
    from constat.target import Target


@dataclass
class Said:
    """What one control said, and how long it took in seconds."""

    control: str
    judgements: list[Judgement] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, judgement: Judgement) -> None:
        """Keep one judgement."""
        self.judgements.append(judgement)

    def judge(self, judgements: Iterable[Judgement]) -> None:
        """Keep them all."""
        for judgement in judgements:
            self.add(judgement)

    @property
    def outcome(self) -> Outcome:
        """The worst of them."""
        return worst(judgement.outcome for judgement in self.judgements)

    @property
    def reason(self) -> str:
        """The first reason for the outcome."""
        return next((f"{j.subject}: {j.reason}" for j in self.judgements if j.outcome is self.outcome), "")


def controls() -> dict[str, Callable[..., None]]:
    """Every control of the database's isolation, by id."""
    found: dict[str, Callable[..., None]] = {}
    for info in pkgutil.iter_modules(suites.tenancy.postgres.__path__):
        if info.name.startswith("test_"):
            module = importlib.import_module(f"suites.tenancy.postgres.{info.name}")
            found |= {rule.id: test for test in vars(module).values() if (rule := control_of(test))}
    return dict(sorted(found.items()))


def run(stack: Stack, target: Target, *, only: frozenset[str] = frozenset()) -> tuple[list[Said], float]:
    """Run the controls; what each said, and the seconds that opening the field took."""
    start, said = time.monotonic(), []
    with opened(stack, target, (target.attack_pair[0], target.attack_pair[1])) as opened_field:
        opening = time.monotonic() - start
        for control, test in controls().items():
            if not only or control in only:
                one = Said(control)
                begun = time.monotonic()
                try:
                    test(opened_field, one)
                except Exception as problem:  # noqa: BLE001 - as in a run, a crash of a control is an ERROR of that control
                    one.add(Judgement(subject="(control)", outcome=Outcome.ERROR, reason=f"{type(problem).__name__}: {problem}"))
                one.seconds = time.monotonic() - begun
                said.append(one)
    return said, opening
