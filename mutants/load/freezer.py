"""Stop one program of a stack for a moment, again and again.

    python -m mutants.load.freezer RUN_DIR generator|service

The generator, as a machine that is short of time does; the service, as when its memory is
cleaned up.  It ends by itself after a while, and lets the program go on whatever ends it but SIGKILL.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from typing import Final

import psutil

from constat.clock import monotonic
from constat.wait import pause

LONGEST_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Prey:
    """Which program is stopped (two words of its command line), for how long, and how long it runs in between; seconds."""

    words: tuple[str, str]
    stopped: float
    running: float


PREY: Final = {
    # Too short to make one request too slow, so nothing but the gates can tell.
    "generator": Prey(("-m", "locust"), 0.1, 0.9),
    # Two seconds in twenty: a tenth of all requests, in two or three places.
    "service": Prey(("provision.platform.services.serve", "property"), 2.0, 18.0),
}


def prey(run_dir: str, name: str) -> list[psutil.Process]:
    """The processes of that stack that are to be stopped."""
    return [process for process in psutil.process_iter() if _is(process, PREY[name].words, run_dir)]


def freezers(run_dir: str) -> list[psutil.Process]:
    """The freezers of that stack."""
    return [process for process in psutil.process_iter() if _is(process, ("-m", __name__), run_dir)]


def _is(process: psutil.Process, words: tuple[str, str], run_dir: str) -> bool:
    """Whether it is a program with these words, one after the other, for the stack."""
    try:
        command = process.cmdline()
    except psutil.Error:  # gone meanwhile, or not ours to look at
        return False
    is_ours = any(word == run_dir or word.startswith(f"{run_dir}/") for word in command)
    return words in [tuple(command[place : place + 2]) for place in range(len(command))] and is_ours


def freeze_once(run_dir: str, name: str) -> None:
    """Stop them for a moment."""
    found = prey(run_dir, name)
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in found:
            process.suspend()
    try:
        pause(PREY[name].stopped)
    finally:
        thaw(found)


def thaw(stopped: list[psutil.Process]) -> None:
    """Let them go on."""
    for process in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def main() -> None:
    """Freeze until it is over."""
    (run_dir, name), end = sys.argv[1:3], monotonic() + LONGEST_SECONDS
    while monotonic() < end:
        freeze_once(run_dir, name)
        pause(PREY[name].running)


if __name__ == "__main__":
    main()
