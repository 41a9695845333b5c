"""What a runbook says to look at first can be looked at, as it stands there, on a real stack."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.integration.harness import NAME, ROOT
from tests.provision.platform.runbooks import WORDS, commands, pages, sections

if TYPE_CHECKING:
    from tests.integration.harness import Constat, Ended

LOOKS: Final = {line for page in pages().values() for line in commands(sections(page)["Look first"])}


@pytest.mark.parametrize("line", sorted(LOOKS))
def test_a_look_answers(constat: Constat, up: Ended, line: str) -> None:
    """Every command of every "look first" ends well on a stack that is well."""
    done = on_call(constat, line)

    assert done.returncode == 0, done.stdout + done.stderr


def test_over_is_said_only_of_what_is_over(constat: Constat, up: Ended) -> None:
    """The alert that always fires is not over; one that does not fire is."""
    assert on_call(constat, "over Watchdog").returncode == 1
    assert on_call(constat, "over RuleFailing").returncode == 0


def test_over_is_not_said_blindly(constat: Constat, up: Ended) -> None:
    """Where Prometheus does not answer, nothing is over."""
    blind = "value() { echo https://127.0.0.1:1; }; over RuleFailing"

    assert on_call(constat, blind).returncode == 2


def on_call(constat: Constat, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line as the person on call would: in bash, with the words."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["/bin/bash", "-c", f". {WORDS}; set -e; {line}"],
        cwd=ROOT,
        env=constat.environment() | {"CONSTAT_NAME": NAME, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
