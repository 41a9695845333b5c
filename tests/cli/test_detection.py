"""How a planted defect or harmless change ends, by what the controls said."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.console import Told
from cli.detect import Census, plantable
from cli.detection import Detected, Detection, ended, noticed
from constat.errors import UserError
from constat.mutant import Mutant, Scope
from constat.outcome import ExitCode, Outcome
from constat.target import load_target


def planted(mutant_id: str, expects: Outcome) -> Mutant:
    """A mutant that does nothing."""
    return Mutant(
        id=mutant_id,
        title="",
        scope=Scope.DATABASE,
        controls=("TEN-PG-01",),
        plant=lambda _stack, _state: None,
        confirm=lambda _stack, _state: True,
        revert=lambda _stack, _state: None,
        fingerprint=lambda _stack: "",
        expects=expects,
    )


DEFECT = planted("MUT-TEN-01", Outcome.FAIL)
CHANGE = planted("SAFE-TEN-01", Outcome.PASS)


@pytest.mark.parametrize(
    ("mutant", "said", "outcome"),
    [
        (DEFECT, Outcome.FAIL, Detected.KILLED),
        (DEFECT, Outcome.PASS, Detected.SURVIVED),
        (DEFECT, Outcome.ERROR, Detected.SURVIVED),
        (CHANGE, Outcome.PASS, Detected.TOLERATED),
        (CHANGE, Outcome.NOT_REVIEWED, Detected.FALSE_ALARM),
        (CHANGE, Outcome.FAIL, Detected.FALSE_ALARM),
    ],
)
def test_what_the_controls_say_decides(mutant: Mutant, said: Outcome, outcome: Detected) -> None:
    """A defect is killed by the outcome it expects; a harmless change is tolerated only when everything stays settled."""
    assert ended(mutant, noticed(mutant, {"TEN-PG-01": said})) is outcome


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Detected.TOLERATED, ExitCode.PROVEN), (Detected.FALSE_ALARM, ExitCode.FAILED), (Detected.NOT_PLANTED, ExitCode.NOT_PROVEN)],
)
def test_an_alarm_about_a_harmless_change_fails_the_run(outcome: Detected, code: int) -> None:
    """`constat detect` exits 1 when a harmless change raises an alarm, and lists it apart from the defects."""
    seen = Detection(id=CHANGE.id, outcome=outcome, by=(), seconds=0.0, said={})
    census = Census(1, (), (seen,), (CHANGE,))

    assert census.exit_code == code
    assert census.document()["mutants"] == []
    assert [row["id"] for row in census.document()["harmless"]] == [CHANGE.id]


def test_nothing_planted_proves_nothing() -> None:
    """A census in which nothing was reached is not proven."""
    assert Census(1, (), (), (CHANGE,)).exit_code == ExitCode.NOT_PROVEN


def test_a_family_that_the_target_has_no_use_for_is_left_out() -> None:
    """Of all mutants those remain that can be planted; asked for alone they are wrong usage, not an empty green."""
    targets, cluster = Path(__file__).resolve().parents[2] / "targets", planted("MUT-KUB-01", Outcome.FAIL)
    embedded, kind = load_target(targets / "embedded.toml"), load_target(targets / "viridial-kind.toml")

    assert plantable([DEFECT, cluster], embedded, Told()) == [DEFECT]
    assert plantable([DEFECT, cluster], kind, Told()) == [DEFECT, cluster]
    with pytest.raises(UserError, match="can be planted"):
        plantable([cluster], embedded, Told())
