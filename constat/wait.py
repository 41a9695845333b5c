"""The one polling loop of the project."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from constat.clock import monotonic
from constat.errors import NotReady

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
# Its wait() is an interruptible, monotonic sleep; this one is never set.
_NEVER: Final = threading.Event()
_STOP: ContextVar[threading.Event] = ContextVar("stop", default=_NEVER)


def stop_with(stop: threading.Event) -> None:
    """Let everything that this thread waits for from now on end soon after `stop` is set, with NotReady."""
    _STOP.set(stop)


def until(
    look: Callable[[], T],
    *,
    what: str,
    within: float,
    retry: tuple[type[BaseException], ...] = (NotReady,),
    every: float = 0.1,
    holds: Callable[[T], bool] | None = None,
) -> T:
    """Look until it holds and return what was seen.

    `within` and `every` are seconds.  Only the named errors are retried; any other is
    raised at once.  Raises NotReady that names the last thing seen.
    """
    start, stop = monotonic(), _STOP.get()
    while True:
        try:
            seen = look()
            if holds is None or holds(seen):
                return seen
            last = f"saw {seen!r}"
        except retry as problem:
            last = f"{type(problem).__name__}: {problem}".strip()
        if stop.is_set():
            msg = f"{what}: interrupted; last {last}"
            raise NotReady(msg)
        if monotonic() - start > within:
            msg = f"{what}: not within {within:g} s; last {last}"
            raise NotReady(msg)
        stop.wait(every)


def pause(seconds: float) -> None:
    """Let time pass where time itself is what is measured (a stable window, a paced writer)."""
    if seconds > 0:
        _NEVER.wait(seconds)
