"""The `constat` command as integration tests run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from constat.finding import FINDINGS_FILE, Finding, read_findings
from constat.outcome import Outcome, worst

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = "integration"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def run_dir(self) -> Path:
        """The directory of the run that the command names on standard error."""
        return next(Path(line.strip()).parent for line in self.err.splitlines() if line.strip().endswith(("findings.jsonl", "detect.json")))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of that run."""
        return read_findings(self.run_dir / FINDINGS_FILE)

    @property
    def unsettled(self) -> dict[str, Outcome]:
        """The controls of that run that are neither proven nor excused, with their outcome."""
        controls = {finding.control for finding in self.findings}
        outcomes = {control: worst(f.outcome for f in self.findings if f.control == control) for control in controls}
        return {control: outcome for control, outcome in outcomes.items() if not outcome.is_settled}


@dataclass(frozen=True)
class Constat:
    """The `constat` command with a home of its own."""

    home: Path

    def __call__(self, *words: str, timeout: float = 600, **environment: str) -> Ended:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*words),
            cwd=ROOT,
            env=self.environment() | environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Begin a command, to be killed."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self.command(*words), cwd=ROOT, env=self.environment(), stdout=quiet, stderr=quiet, start_new_session=True)

    def command(self, *words: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "cli", *words]

    def environment(self) -> dict[str, str]:
        """The environment: this home, and a wide terminal that is none."""
        return {**os.environ, "CONSTAT_HOME": str(self.home), "CONSTAT_OUT": str(self.home / ".out"), "COLUMNS": "200"}

    def credentials(self) -> dict[str, Any]:
        """What `constat credentials --json` says of the stack."""
        document: dict[str, Any] = json.loads(self("credentials", "--name", NAME, "--json").out)
        return document
