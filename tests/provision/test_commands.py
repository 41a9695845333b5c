"""A command line of somebody else's either did what it was asked, or says why not."""

from __future__ import annotations

import pytest

from constat.errors import TargetError
from provision.commands import LINES, named, run


def test_what_it_prints_is_returned() -> None:
    """It is given its input, and its output comes back."""
    assert run(("/bin/cat",), told=b"hello", within=5) == "hello"


def test_a_failure_has_its_last_lines_and_no_more() -> None:
    """Errors are at the end, after much that is none."""
    with pytest.raises(TargetError) as caught:
        run(("/bin/sh", "-c", "seq 100; echo broken >&2; exit 3"), within=5)
    message = str(caught.value)

    assert "ended with 3" in message
    assert "broken" in message
    assert len(message.splitlines()) == LINES + 1


def test_one_that_does_not_end_is_ended() -> None:
    """It is a failure of the target, with the time that it was given."""
    with pytest.raises(TargetError, match=r"did not end within 0\.2 s"):
        run(("/bin/sleep", "30"), within=0.2)


def test_it_is_named_without_what_it_was_told() -> None:
    """A message names the program and what it was to do, not its options."""
    assert named(("/usr/bin/kind", "create", "cluster", "--config", "secret")) == "kind create cluster"
