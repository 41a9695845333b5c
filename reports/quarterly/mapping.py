"""What the evidence says to each clause of a standard: satisfied, in part and what is missing, or not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.quarterly.dossier import Dossier

CATALOGUE = Path(__file__).with_name("mapping.toml")


class Status(StrEnum):
    """How far the evidence of this run goes."""

    SUPPORTED = "SUPPORTED"
    PARTIAL = "PARTIAL"
    BROKEN = "BROKEN"
    ABSENT = "ABSENT"


@dataclass(frozen=True, kw_only=True)
class Clause:
    """A clause, the references by which controls name it, and what else it asks for."""

    standard: str
    id: str
    refs: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One piece of evidence for a clause: a control's id or a need, and how it stands."""

    name: str
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A clause and its evidence in this run."""

    clause: Clause
    pieces: tuple[Piece, ...]

    @property
    def status(self) -> Status:
        """Broken by one failure; supported only when nothing is missing."""
        outcomes = [piece.outcome for piece in self.pieces]
        if Outcome.FAIL in outcomes:
            return Status.BROKEN
        if worst(outcomes).is_settled:
            return Status.SUPPORTED
        return Status.PARTIAL if Outcome.PASS in outcomes else Status.ABSENT

    @property
    def there(self) -> tuple[Piece, ...]:
        """What was shown."""
        return tuple(piece for piece in self.pieces if piece.outcome.is_settled)

    @property
    def missing(self) -> tuple[Piece, ...]:
        """What is missing, or speaks against it."""
        return tuple(piece for piece in self.pieces if not piece.outcome.is_settled)


def coverage(dossier: Dossier) -> tuple[Coverage, ...]:
    """Every clause of the catalogue, in its order."""
    return tuple(Coverage(clause=clause, pieces=tuple(_pieces(clause, dossier))) for clause in clauses())


@cache
def clauses() -> tuple[Clause, ...]:
    """The catalogue."""
    rows = tomllib.loads(CATALOGUE.read_text("utf-8"))["clause"]
    return tuple(Clause(standard=row["standard"], id=row["id"], refs=tuple(row["refs"]), needs=tuple(row["needs"])) for row in rows)


def _pieces(clause: Clause, dossier: Dossier) -> Iterator[Piece]:
    for result in dossier.run.judged:
        if set(clause.refs) & set(result.control.refs):
            yield Piece(name=result.control.id, outcome=result.outcome)
    for need in clause.needs:
        yield Piece(name=need, outcome=_outcome(need, dossier))


def _outcome(need: str, dossier: Dossier) -> Outcome:
    kind, _, name = need.partition(":")
    if kind == "objective":
        return worst(objective.outcome for objective in dossier.objectives if objective.name == name)
    if kind == "artefact":
        return worst(found.outcome for found in dossier.artefacts[name])
    return Outcome.PASS if dossier.is_calibrated else Outcome.NOT_REVIEWED
