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


def test_a_damaged_label_is_said_and_can_be_mended(here: Path) -> None:
    """Nobody is told that the stack is not there, or not ours; what takes it down can read the label again."""
    directory = here / "one"
    home.write_label(directory, provider="embedded", target_file="t")
    (directory / home.LABEL_FILE).write_text('{"broken', "utf-8")

    with pytest.raises(UserError, match=r"is damaged .* `constat down --name one`"):
        home.read_label(directory)
    assert home.is_damaged(directory)
    assert home.stacks() == {}
    home.mend_label(directory, "embedded")
    assert not home.is_damaged(directory)


def test_what_nobody_labelled_is_not_ours(here: Path) -> None:
    """A directory without a label, and none at all, are nobody's stack, and not damaged."""
    (here / "theirs").mkdir()

    assert (home.read_label(here / "theirs"), home.read_label(here / "none")) == (None, None)
    assert not home.is_damaged(here / "theirs")
