"""`constat evidence`: exit 0 for what is genuine, 1 for what deviates, 4 for wrong usage; one line for each problem."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from cli import evidence
from constat.errors import UserError
from reports.bundle import keys
from tests.reports.bundle.bundles import DETECTION, RUN

if TYPE_CHECKING:
    from pathlib import Path

RUNNER = CliRunner()
APP = typer.Typer()
evidence.register(APP)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a run, a key, and an account of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(keys.KEY_VARIABLE, raising=False)
    monkeypatch.delenv(evidence.PREVIOUS_VARIABLE, raising=False)
    shutil.copytree(RUN, tmp_path / "run")
    keys.make(keys.default_key(), outside=tmp_path / "checkout")
    return tmp_path


def test_evidence_is_made_verified_and_followed(place: Path) -> None:
    """A run is signed, checked, and followed by the next report; a changed byte is noticed by both commands."""
    first = evidence.bundle(place / "run", self_test=str(DETECTION), into=place / "first")
    second = evidence.bundle(place / "run", previous=first, lang="fr", self_test=str(DETECTION), into=place / "second")

    good = RUNNER.invoke(APP, ["evidence", "verify", str(second), "--previous", str(first)])
    assert (good.exit_code, "genuine" in good.stdout) == (0, True)
    (first / "report.html").write_bytes(b"<h1>Proven</h1>")
    bad = RUNNER.invoke(APP, ["evidence", "verify", str(first)])
    assert bad.exit_code == 1
    with pytest.raises(UserError, match="is not genuine"):
        evidence.bundle(place / "run", previous=first, into=place / "third")
    assert not (place / "third").exists()


def test_a_missing_key_is_said_before_anything_is_made(place: Path) -> None:
    """Without a key there is no evidence, and the message says how to make one."""
    (keys.default_folder() / keys.KEY_FILE).unlink()

    with pytest.raises(UserError, match="`constat evidence key` makes one"):
        evidence.bundle(place / "run", into=place / "made")
    assert not (place / "made").exists()


def test_a_key_that_is_there_may_stay(place: Path) -> None:
    """`--if-missing` succeeds with the key as it was; without it a second key is refused."""
    before = (place / "config" / "constat" / keys.KEY_FILE).read_bytes()

    assert RUNNER.invoke(APP, ["evidence", "key", "--if-missing"]).exit_code == 0
    assert isinstance(RUNNER.invoke(APP, ["evidence", "key"]).exception, UserError)
    assert (place / "config" / "constat" / keys.KEY_FILE).read_bytes() == before


def test_a_key_is_made_where_the_environment_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that is made is the one that signs, and the one that its evidence is checked with."""
    monkeypatch.setenv(keys.KEY_VARIABLE, str(place / "mine" / "signing.pem"))

    assert RUNNER.invoke(APP, ["evidence", "key"]).exit_code == 0
    made = evidence.bundle(place / "run", self_test=str(DETECTION), into=place / "made")
    assert RUNNER.invoke(APP, ["evidence", "verify", str(made)]).exit_code == 0
    assert (place / "mine" / "signing.pub").exists()
