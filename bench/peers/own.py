"""Constat: every control of the database's isolation, except the one that needs the pooler."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import controls, scratch
from bench.detection import ELSEWHERE
from bench.peers.tool import Look
from constat.outcome import Outcome

if TYPE_CHECKING:
    from constat.stack import Stack


@dataclass(frozen=True)
class Constat:
    """The whole suite each time, as after a migration; it is told nothing about what was planted."""

    stack: Stack
    name: str = "Constat"

    def look(self) -> Look:
        """Only FAIL is a finding; whatever else is not settled is something it could not judge."""
        start = time.monotonic()
        said, _ = controls.run(self.stack, scratch.target(), only=frozenset(controls.controls()) - ELSEWHERE)
        told = [(f"{one.control} {judgement.subject}", judgement.outcome) for one in said for judgement in one.judgements]
        return Look(
            findings=frozenset(what for what, outcome in told if outcome is Outcome.FAIL),
            unable=frozenset(what for what, outcome in told if not outcome.is_settled and outcome is not Outcome.FAIL),
            seconds=time.monotonic() - start,
        )
