"""The one polling loop."""

from __future__ import annotations

import pytest

from constat import wait
from constat.clock import monotonic
from constat.errors import NotReady


def test_it_returns_what_was_seen() -> None:
    """The first thing seen that holds is returned."""
    seen = iter([1, 2, 3])

    assert wait.until(lambda: next(seen), what="three", within=5, every=0, holds=lambda value: value == 3) == 3


def test_the_failure_prints_the_last_thing_seen() -> None:
    """A deadline that passes names what was waited for and what was seen last."""
    with pytest.raises(NotReady, match=r"the door opens: not within 0.05 s; last saw 'shut'"):
        wait.until(lambda: "shut", what="the door opens", within=0.05, every=0.01, holds=lambda seen: seen == "open")


def test_named_errors_are_retried() -> None:
    """An error that was named is retried until it stops."""
    looks = iter(["no", "no", "yes"])

    def look() -> str:
        if (seen := next(looks)) == "no":
            raise NotReady(seen)
        return seen

    assert wait.until(look, what="yes", within=5, every=0) == "yes"


def test_other_errors_come_at_once() -> None:
    """An error that was not named is not waited out."""
    start = monotonic()

    with pytest.raises(ZeroDivisionError):
        wait.until(lambda: 1 // 0, what="never", within=60)

    assert monotonic() - start < 10


def test_a_deadline_of_nothing_still_looks_once() -> None:
    """It looks at least once, however short the deadline."""
    assert wait.until(lambda: "seen", what="it", within=0) == "seen"
