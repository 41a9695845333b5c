"""The lock of a stack: one command at a time, and nothing of it left when the stack is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from provision import home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    monkeypatch.setenv(home.ENVIRONMENT_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_stack_is_held_by_one_command(here: Path) -> None:
    """The second is told who holds it, and can have it afterwards."""
    (here / "one").mkdir()
    with home.exclusive("one"), pytest.raises(UserError, match="in use by process"), home.exclusive("one"):
        pytest.fail("held twice")

    with home.exclusive("one"):
        assert (here / ".one.lock").exists()


def test_the_lock_of_a_stack_that_is_gone_goes_too(here: Path) -> None:
    """After the last command of a stack its home is as it was."""
    with home.exclusive("gone"):
        pass

    assert list(here.iterdir()) == []


def test_a_lock_that_was_removed_meanwhile_is_no_lock(here: Path) -> None:
    """Whoever opened the file before its holder removed it holds nothing; the next holder is still alone."""
    (here / "one").mkdir()
    with home.exclusive("one"):
        (here / ".one.lock").unlink()
        with home.exclusive("one"), pytest.raises(UserError, match="in use"), home.exclusive("one"):
            pytest.fail("held twice")
