"""Every report is made again from a run directory, whole or not at all."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from reports import FORMATS, write_all
from tests.reports.platform_run import write_mixed

if TYPE_CHECKING:
    from pathlib import Path


def contents(directory: Path) -> dict[str, bytes]:
    """Every file of a directory, by name."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_every_format_is_written(tmp_path: Path) -> None:
    """The paths are those of the registry, and nothing else is left behind."""
    write_mixed(tmp_path)
    before = set(contents(tmp_path))
    made = write_all(tmp_path)

    assert [path.name for path in made] == ["summary.json", "junit.xml", "report.html"]
    assert set(contents(tmp_path)) - before == {kind.file for kind in FORMATS.values()}


def test_the_reports_are_a_pure_function_of_the_run(tmp_path: Path) -> None:
    """Made again, and of a copy elsewhere, they have the same bytes."""
    write_mixed(tmp_path / "run")
    write_all(tmp_path / "run")
    first = contents(tmp_path / "run")
    write_all(tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    write_all(tmp_path / "copy")

    assert contents(tmp_path / "run") == first
    assert contents(tmp_path / "copy") == first


def test_an_unknown_language_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """Nothing is written before everything is known to be right."""
    before = contents(write_mixed(tmp_path))

    with pytest.raises(UserError, match="language 'xx' is unknown"):
        write_all(tmp_path, lang="xx")
    assert contents(tmp_path) == before


def test_a_report_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    """It names the file and the remedy, and leaves no draft."""
    write_mixed(tmp_path)
    (tmp_path / "summary.json").mkdir()

    with pytest.raises(UserError, match=r"report '.*summary.json' cannot be written .*make room"):
        write_all(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
