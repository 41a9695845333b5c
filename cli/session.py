"""One pytest session over the suites, in this process or in a child of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from cli.options import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUITES: Final = ("suites", "chaos", "load")
_QUIET: Final = (
    "-qq",
    "--assert=plain",
    "--no-header",
    "--no-summary",
    "--tb=no",
    "--show-capture=no",
    "-p",
    "no:cacheprovider",
    # It collects garbage five times over when a session ends, and a detection run is hundreds of sessions.
    "-p",
    "no:unraisableexception",
    "--rootdir",
    str(ROOT),
)


def arguments(name: str, directory: Path, *, families: Sequence[str], controls: Sequence[str], paths: Sequence[str]) -> list[str]:
    """What pytest is called with."""
    chosen = [f"--family={family}" for family in families] + [f"--control={control}" for control in controls]
    where = list(paths) or [str(ROOT / suite) for suite in SUITES]
    return [*_QUIET, "--stack", name, "--run-dir", str(directory), f"--alluredir={directory / 'allure-results'}", *chosen, *where]


def run_controls(name: str, directory: Path, *, families: Sequence[str], controls: Sequence[str], paths: Sequence[str]) -> int:
    """Run them in this process; the exit code of the verdict."""
    return int(pytest.main(arguments(name, directory, families=families, controls=controls, paths=paths)))


def run_controls_apart(name: str, directory: Path, *, controls: Sequence[str], paths: Sequence[str]) -> int:
    """Run a few controls of these files in a child process that does not outlive this one; the exit code of the verdict."""
    command = [sys.executable, "-m", "pytest", *arguments(name, directory, families=(), controls=controls, paths=paths)]
    with (directory / "pytest.log").open("wb") as log:
        done = subprocess.run(
            ["/usr/bin/setpriv", "--pdeathsig=KILL", "--", *command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    return done.returncode
