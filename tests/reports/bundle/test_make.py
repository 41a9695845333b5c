"""Making evidence: the same run gives the same bytes, and what cannot be vouched for is refused."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from provision.typesetting import TOOLS
from reports.bundle import layout
from reports.bundle.make import Order, files, write
from reports.quarterly.paper import PACKAGES
from tests.reports.bundle.bundles import DETECTION, KEY, RUN, genuine, statement, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the recorded run, to be damaged."""
    return shutil.copytree(RUN, tmp_path / RUN.name)


def order(run: Path, self_test: Path | None = None, lang: str = "en") -> Order:
    """An order for a run's evidence."""
    return Order(run=run, self_test=self_test, previous=None, lang=lang)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Every file, the PDF and the signature included, from another directory and at another time."""
    shutil.copytree(RUN, tmp_path / "copy")
    shutil.copytree(DETECTION, tmp_path / DETECTION.name)

    again = files(order(tmp_path / "copy", tmp_path / DETECTION.name), KEY)

    assert [name for name in again if again[name] != genuine()[name]] == []
    assert again.keys() == genuine().keys()


def test_every_file_is_signed() -> None:
    """Each file but the chain and the envelope is a subject of the statement; the chain goes through all findings and files."""
    stated = statement(genuine())
    subjects = genuine().keys() - layout.NOT_LINKED

    assert stated.files.keys() == subjects
    assert stated.links == stated.findings + len(subjects)
    assert stated.findings == len(layout.finding_lines(genuine()[layout.FINDINGS]))


def test_altered_evidence_is_not_signed(run: Path) -> None:
    """A file that is no longer what its finding recorded stops everything."""
    next((run / "evidence").rglob("*timeline.json")).write_text("{}", "utf-8")

    with pytest.raises(UserError, match="is not as it was recorded"):
        files(order(run), KEY)


def test_a_run_without_its_target_is_refused(run: Path) -> None:
    """What was promised is part of what was measured."""
    (run / "target.json").unlink()

    with pytest.raises(UserError, match=r"has no target\.json"):
        files(order(run), KEY)


def test_a_self_test_that_is_none_is_refused(run: Path, tmp_path: Path) -> None:
    """A directory without a detection, and one with another document, are both named."""
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="cannot be read"):
        files(order(run, tmp_path / "other"), KEY)
    (tmp_path / "other" / "detect.json").write_text("[]", "utf-8")
    (tmp_path / "other" / "command.json").write_text("{}", "utf-8")
    with pytest.raises(UserError, match="of this version"):
        files(order(run, tmp_path / "other"), KEY)


def test_an_unknown_language_is_refused(run: Path) -> None:
    """Before anything is written."""
    with pytest.raises(UserError, match="language 'nl' is unknown"):
        files(order(run, lang="nl"), KEY)


def test_evidence_is_written_whole_and_never_over_other_evidence(tmp_path: Path) -> None:
    """The same again is no harm; something else in its place is refused and left as it is."""
    write(genuine(), tmp_path / "bundle")
    write(genuine(), tmp_path / "bundle")
    written({"note.txt": b"mine"}, tmp_path / "bundle")

    with pytest.raises(UserError, match="is not overwritten"):
        write(genuine(), tmp_path / "bundle")
    assert (tmp_path / "bundle" / "note.txt").read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_nothing_secret_or_of_a_machine_is_in_the_recorded_run() -> None:
    """The run that the tests use names no private key and no directory of whoever recorded it."""
    text = "".join(path.read_text("utf-8") for path in RUN.rglob("*.json*"))

    assert [word for word in ("PRIVATE KEY", "/root/", "/home/", "password=") if word in text] == []
    assert json.loads((RUN / "plan.json").read_text("utf-8"))["target"] == "embedded"


def test_the_packages_of_the_message_are_those_that_are_installed() -> None:
    """What the refusal tells to install is what `--install` installs."""
    assert {tool.package for tool in TOOLS} == set(PACKAGES)
