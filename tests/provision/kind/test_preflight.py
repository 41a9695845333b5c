"""What is missing is named, all of it at once, with the command to paste."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from provision.kind.preflight import programs, require_programs

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    """On a bare machine one message has three commands."""
    with pytest.raises(UserError) as caught:
        require_programs(str(tmp_path))
    message = str(caught.value)

    assert "docker, kind, kubectl" in message
    assert all(program.install in message for program in programs())


def test_only_what_is_missing_is_said(tmp_path: Path) -> None:
    """A program that is there is not named."""
    for name in ("docker", "kubectl"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(UserError, match=r"^missing on this machine: kind; install with\n"):
        require_programs(str(tmp_path))


def test_the_command_is_for_this_kind_of_machine() -> None:
    """Programs are fetched for the processor that runs them."""
    assert "kind-linux-arm64" in programs("aarch64")[1].install
    assert "kind-linux-amd64" in programs("x86_64")[1].install
