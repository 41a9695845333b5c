"""What typesets the report is read, not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provision.platform.component import Tool
from provision.preflight import missing

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["LiberationSans-Regular.ttf", "libpango-1.0.so.0", "pgaudit.so"])
def test_a_library_or_a_font_need_not_be_executable(tmp_path: Path, name: str) -> None:
    """It is missing when it is not there, and only then."""
    tool = Tool(path=str(tmp_path / name), package="some-package")

    assert missing([tool]) == (tool,)
    (tmp_path / name).write_bytes(b"")
    (tmp_path / name).chmod(0o644)
    assert missing([tool]) == ()


def test_a_program_must_be_executable(tmp_path: Path) -> None:
    """A program that cannot be run is missing."""
    (tmp_path / "program").write_bytes(b"")
    (tmp_path / "program").chmod(0o644)
    tool = Tool(path=str(tmp_path / "program"), package="some-package")

    assert missing([tool]) == (tool,)
