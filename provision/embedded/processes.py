"""Which processes belong to a stack, and how they are stopped for good."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import psutil

from constat import wait
from constat.errors import NotReady
from provision.embedded.site import NODE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def members(directory: Path) -> list[psutil.Process]:
    """Every process that works below the directory or was started for it; zombies are not.

    A server may leave its process group or overwrite its environment (PostgreSQL does
    both), but it keeps its working directory; one that changes that keeps its environment.
    """
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in own and _belongs(process, directory)]


def kill(directory: Path) -> None:
    """End every process below the directory now, and what it would leave in the kernel.

    They are stopped first, so that none of them can notice, or start another.
    """
    segments = _shared_memory(directory)
    wait.until(lambda: _strike(directory), what=f"processes of {str(directory)!r} ended", within=10, every=0.02)
    for segment in segments:
        # It may be gone already: the server removes it itself when it ends in order.
        subprocess.run(["/usr/bin/ipcrm", "-m", segment], check=False, capture_output=True)


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to each that still exists."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def is_stopped(process: psutil.Process) -> bool:
    """Whether a process is stopped; one that has ended meanwhile is not."""
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def _strike(directory: Path) -> None:
    victims = members(directory)
    send(victims, signal.SIGSTOP)
    send(victims, signal.SIGKILL)
    if left := members(directory):
        msg = f"{len(left)} left: {[process.pid for process in left]}"
        raise NotReady(msg)


def _belongs(process: psutil.Process, directory: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return _below(process.cwd(), directory) or _below(process.environ().get(NODE_VARIABLE, ""), directory)
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False  # another user's process cannot be one of ours


def _below(path: str, directory: Path) -> bool:
    return path == str(directory) or path.startswith(f"{directory}/")


def _shared_memory(directory: Path) -> list[str]:
    """System V segments that PostgreSQL servers below the directory hold (line 7 of postmaster.pid)."""
    found = []
    for path in directory.glob("**/postmaster.pid"):
        lines = path.read_text().splitlines()
        found += [line.split()[1] for line in lines[6:7] if " " in line.strip()]
    return found
