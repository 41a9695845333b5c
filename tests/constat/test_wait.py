"""The one polling loop."""

from __future__ import annotations

import concurrent.futures
import threading

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


def test_a_thread_that_is_told_to_stop_waits_no_longer() -> None:
    """Once the event is set, whatever the thread waits for ends soon, and says so."""
    stop, looked = threading.Event(), threading.Event()

    def look() -> bool:
        looked.set()
        return False

    with concurrent.futures.ThreadPoolExecutor(1, initializer=wait.stop_with, initargs=(stop,)) as pool:
        waiting = pool.submit(wait.until, look, what="the door opens", within=600, every=300, holds=bool)
        assert looked.wait(10)
        stop.set()
        with pytest.raises(NotReady, match="the door opens: interrupted"):
            waiting.result(timeout=10)
