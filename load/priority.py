"""Be woken before everybody else on the machine, as an instrument on a machine of its own would be."""

from __future__ import annotations

import contextlib
import os


def run_ahead() -> bool:
    """Ask for real-time scheduling; False where that is refused (it needs root or CAP_SYS_NICE).

    A nice value would not do: it counts within a session only (sched(7), autogroup).
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        return True
    return False


def keep_one_core() -> int | None:
    """Stay on one core where the machine has another for everybody else; None where it has not."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return None
    os.sched_setaffinity(0, cores[:1])
    return cores[0]
