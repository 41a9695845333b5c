"""Stop the generator of one stack for a moment, again and again, as a machine that is short of time does.

    python -m mutants.load.freezer RUN_DIR

It ends by itself after a while, and lets the generator go on whatever ends it but SIGKILL.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Final

import psutil

from constat.clock import monotonic
from constat.wait import pause

# Too short to make one request too slow, so nothing but the gates can tell.
STOPPED_SECONDS: Final = 0.1
RUNNING_SECONDS: Final = 0.9
LONGEST_SECONDS: Final = 300.0


def generators(run_dir: str) -> list[psutil.Process]:
    """The load generators of that stack, by their command line."""
    return [process for process in psutil.process_iter() if _is(process, "locust", run_dir)]


def freezers(run_dir: str) -> list[psutil.Process]:
    """The freezers of that stack."""
    return [process for process in psutil.process_iter() if _is(process, __name__, run_dir)]


def _is(process: psutil.Process, module: str, run_dir: str) -> bool:
    """Whether it is a Python that runs the module for the stack."""
    try:
        command = process.cmdline()
    except psutil.Error:  # gone meanwhile, or not ours to look at
        return False
    return ["-m", module] in [command[place : place + 2] for place in range(len(command))] and run_dir in command


def freeze_once(run_dir: str) -> None:
    """Stop them for a moment."""
    found = generators(run_dir)
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in found:
            process.suspend()
    try:
        pause(STOPPED_SECONDS)
    finally:
        thaw(found)


def thaw(stopped: list[psutil.Process]) -> None:
    """Let them go on."""
    for process in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def main() -> None:
    """Freeze until it is over."""
    run_dir, end = sys.argv[1], monotonic() + LONGEST_SECONDS
    while monotonic() < end:
        freeze_once(run_dir)
        pause(RUNNING_SECONDS)


if __name__ == "__main__":
    main()
