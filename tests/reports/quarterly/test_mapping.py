"""The mapping to standards: supported only when nothing is missing, broken by one failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.artefact import NAMES
from constat.outcome import Outcome
from constat.target import Recovery
from reports.messages import messages
from reports.quarterly.mapping import Status, clauses, coverage
from tests.reports.quarterly.dossiers import complete, dossier, rpo, rto
from tests.reports.sample import Seen

if TYPE_CHECKING:
    from pathlib import Path

    from reports.quarterly.dossier import Dossier

REQUIRED = {"A.5.30", "A.8.13", "A.8.14", "A1.2", "A1.3", "Art. 11", "Art. 12", "Art. 24", "Art. 25", "CP-4", "CP-9", "CP-10"}


def status(found: Dossier) -> dict[str, Status]:
    """How each clause ended."""
    return {row.clause.id: row.status for row in coverage(found)}


def test_every_clause_is_there_once() -> None:
    """The catalogue has the clauses that auditors ask for."""
    assert sorted(clause.id for clause in clauses()) == sorted(REQUIRED)


def test_every_need_can_be_met() -> None:
    """No clause asks for an objective or an artefact that does not exist."""
    needs = {need for clause in clauses() for need in clause.needs}
    known = {f"artefact:{name}" for name in NAMES} | {f"objective:{name}" for name in Recovery.model_fields} | {"self-test"}

    assert needs <= known


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_clause_has_its_words(lang: str) -> None:
    """Clauses, statuses and artefacts are named in every language."""
    keys = [f"quarterly.clause.{name}" for name in REQUIRED] + [f"quarterly.status.{name}" for name in Status]
    keys += [f"quarterly.{part}.{name}" for part in ("absent", "artefact") for name in NAMES]

    assert [key for key in keys if key not in messages(lang).texts] == []


def test_a_clause_is_supported_when_nothing_is_missing(tmp_path: Path) -> None:
    """Redundancy is supported by the drill, its two numbers and the self-test; without one of them it is in part."""
    assert status(complete(tmp_path / "all"))["A.8.14"] is Status.SUPPORTED
    assert status(complete(tmp_path / "part", without="timeline.json"))["A.8.14"] is Status.PARTIAL


def test_one_failure_breaks_a_clause(tmp_path: Path) -> None:
    """A lost write speaks against every clause that rests on it, and against no other."""
    found = status(dossier(tmp_path, [Seen(control="BAK-01", subject="restore"), rto(21.7), rpo(3)]))

    assert found["A.8.14"] is Status.BROKEN
    assert found["A.8.13"] is Status.PARTIAL


def test_a_table_is_no_better_than_its_worst_line(tmp_path: Path) -> None:
    """A restore that was not exact speaks against every clause that rests on restores, whichever finding carries the table."""
    found = complete(tmp_path)
    kept = {row.clause.id: {piece.name: piece.outcome for piece in row.pieces} for row in coverage(found)}

    assert kept["Art. 24"]["artefact:pitr.json"] is Outcome.FAIL
    assert kept["Art. 12"]["artefact:access.json"] is Outcome.FAIL
    assert kept["Art. 24"]["artefact:timeline.json"] is Outcome.PASS
    assert status(found)["Art. 24"] is Status.BROKEN


def test_nothing_is_no_evidence(tmp_path: Path) -> None:
    """A run that could look at nothing supports nothing."""
    found = dossier(tmp_path, [Seen(control="BAK-01", subject="restore", outcome=Outcome.ERROR)])

    assert set(status(found).values()) == {Status.ABSENT}
