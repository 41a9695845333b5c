"""SIGKILL at any moment: the next command heals, and `down` leaves nothing.

CONSTAT_MOMENTS says at how many moments each command is killed; the moments are spread
over the time that it takes.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from tests.integration.harness import NAME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.harness import Constat, Ended

MOMENTS: Final = int(os.environ.get("CONSTAT_MOMENTS", "2"))
KILLED: Final = "killed"
DATABASE: Final = "suites/tenancy/postgres"


def moments(seconds: float) -> list[float]:
    """Moments spread over a duration, the first soon after the start."""
    return [seconds * (number + 0.5) / MOMENTS for number in range(MOMENTS)]


def kill_after(constat: Constat, seconds: float, *words: str) -> None:
    """Begin a command and kill it after that many seconds, unless it has ended."""
    process = constat.start(*words)
    time.sleep(seconds)
    process.kill()
    process.wait()


def processes_below(constat: Constat, name: str) -> list[str]:
    """Every process that works below the stack's directory."""
    directory, found = str(constat.home / name), []
    for process in psutil.process_iter():
        try:
            if process.cwd().startswith(directory):
                found.append(process.name())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.parametrize("seconds", moments(14))
def test_up_killed_then_down_leaves_nothing(constat: Constat, seconds: float) -> None:
    """After `up` was killed, `down` ends every process and removes every file."""
    kill_after(constat, seconds, "up", "--name", KILLED)
    down = constat("down", "--name", KILLED)

    assert down.code == 0, down.err
    assert processes_below(constat, KILLED) == []
    assert not (constat.home / KILLED).exists()


@pytest.mark.parametrize("seconds", moments(14)[-1:] if MOMENTS < 10 else moments(14))
def test_up_killed_then_up_finishes(constat: Constat, seconds: float) -> None:
    """After `up` was killed, the next `up` brings the whole stack up."""
    kill_after(constat, seconds, "up", "--name", KILLED)
    try:
        again = constat("up", "--name", KILLED)
        status = constat("status", "--name", KILLED)
    finally:
        constat("down", "--name", KILLED)

    assert (again.code, status.code) == (0, 0), again.err + status.out
    assert processes_below(constat, KILLED) == []


@pytest.mark.parametrize("seconds", moments(60)[-1:] if MOMENTS < 10 else moments(60))
def test_verify_killed_then_verify_is_green(constat: Constat, up: Ended, seconds: float) -> None:
    """After `verify` was killed, its run can be reported, and the next one is green."""
    before = runs(constat)
    kill_after(constat, seconds, "verify", "--name", NAME, "--family", "tenancy", "--family", "hosts")
    for run in runs(constat) - before:
        if (run / "plan.json").exists():
            assert constat("report", run.name).code in {0, 6}
    again = constat("verify", "--name", NAME, "--family", "tenancy", "--family", "hosts")

    assert again.code == 0, again.out + again.err


@pytest.mark.parametrize("seconds", moments(12))
def test_detect_killed_then_verify_is_green(constat: Constat, up: Ended, seconds: float) -> None:
    """After `detect` was killed with a defect planted, the next command takes it away first."""
    words = [word for number in (1, 6, 9, 11) for word in ("--mutant", f"MUT-TEN-PG-{number:02}")]
    kill_after(constat, seconds, "detect", "--name", NAME, *words)
    again = constat("verify", "--name", NAME, DATABASE)

    assert again.code == 0, again.out + again.err


@pytest.mark.parametrize("seconds", moments(20))
def test_a_drill_killed_then_verify_is_green(constat: Constat, up: Ended, seconds: float) -> None:
    """After a drill was killed with a node down, the next command brings the node back first."""
    kill_after(constat, 6 + seconds, "verify", "--name", NAME, "--family", "chaos")
    again = constat("verify", "--name", NAME, DATABASE)
    status = json.loads(constat("status", "--name", NAME, "--json").out)

    assert again.code == 0, again.out + again.err
    assert status["components"]["postgres"]["state"] == "running"


def runs(constat: Constat) -> set[Path]:
    """Every run so far."""
    return {path for path in (constat.home / ".out").glob("*") if path.is_dir() and not path.is_symlink()}
