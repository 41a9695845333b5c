"""A run from its first moment: what is refused leaves nothing, what stops leaves a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli import runs
from cli.options import DEFAULT_TARGET
from cli.record import Record
from constat.errors import TargetError, UserError
from constat.target import load_target
from reports.run import Verdict, load_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs go there."""
    monkeypatch.setattr(runs, "RUNS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"controls": ["NOPE-1"]}, "control 'NOPE-1' is unknown"),
        ({"families": ["kubernets"]}, "family 'kubernets' has no control here"),
        ({"paths": ["suites/nope"]}, "no suite at 'suites/nope'"),
        ({"paths": ["README.md"]}, "there is no control in 'README.md'"),
    ],
    ids=["control", "family", "path", "no suite"],
)
def test_what_is_not_there_is_refused_before_anything_is_started(out: Path, asked: dict[str, list[str]], said: str) -> None:
    """A wrong word costs no bring-up, and leaves no run behind."""
    with pytest.raises(UserError, match=said):
        Record(**{"paths": [], "families": [], "controls": []} | asked)

    assert list(out.iterdir()) == []


def test_a_platform_that_does_not_come_up_proves_nothing(out: Path) -> None:
    """The run is there, says why it proved nothing, and is the latest: an older verdict is not taken for its own."""
    (out / "older").mkdir()
    runs.point_latest(out / "older")
    record = Record(paths=[], families=["tenancy"], controls=[])
    with pytest.raises(TargetError):
        stop(record)
    run = load_run(out / "latest")

    assert run.verdict is Verdict.NOT_PROVEN
    assert {finding.reason for finding in run.findings} == {"the run stopped: component 'broker' did not come up"}
    assert run.not_selected, "the controls of the other families are told as left out"
    assert (out / "latest" / "report.html").exists()


def stop(record: Record) -> None:
    """Begin, and fail as a platform does that does not come up."""
    with record:
        record.begin(load_target(DEFAULT_TARGET))
        msg = "component 'broker' did not come up\nits last lines"
        raise TargetError(msg)
