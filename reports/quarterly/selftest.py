"""The self-test of the instrument: the defects that were planted on purpose, and whether the controls noticed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.finding import Json
    from reports.run import Run

RESULT_FILE, ORIGIN_FILE = "detect.json", "command.json"
KILLED = "killed"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One planted defect; `by` are the controls that noticed it."""

    id: str
    outcome: str
    by: tuple[str, ...]
    seconds: float
    detail: str
    title: str = ""  # what the defect is


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """A detection run."""

    run: str
    commit: str
    version: str
    clean_runs: int
    false_alarms: tuple[str, ...]
    planted: tuple[Planted, ...]

    @property
    def killed(self) -> int:
        """How many of the planted defects were noticed."""
        return sum(planted.outcome == KILLED for planted in self.planted)

    @property
    def is_calibrated(self) -> bool:
        """Whether everything that was planted was noticed, and nothing else was."""
        return bool(self.planted) and self.killed == len(self.planted) and self.clean_runs > 0 and not self.false_alarms

    def is_of(self, run: Run) -> bool:
        """Whether the same suite made it; another version's eyes say nothing of this one's."""
        return (self.version, self.commit) == (run.plan.constat_version, run.plan.git_commit or "")

    def untried(self, run: Run) -> tuple[str, ...]:
        """The controls of the run that no planted defect has made red in it."""
        seen = {control for planted in self.planted if planted.outcome == KILLED for control in planted.by}
        return tuple(result.control.id for result in run.judged if result.control.id not in seen)


def parse(files: Mapping[str, bytes], name: str) -> SelfTest:
    """Read a detection run from the bytes of its two files; raises UserError when they are no such thing."""
    try:
        result, origin = json.loads(files[RESULT_FILE]), json.loads(files[ORIGIN_FILE])
        return SelfTest(
            run=name,
            commit=origin["git_commit"] or "",
            version=origin["constat_version"],
            clean_runs=int(result["clean"]["runs"]),
            false_alarms=tuple(map(str, result["clean"]["false_alarms"])),
            planted=tuple(_planted(row) for row in result["mutants"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        msg = f"self-test {name!r} has no {RESULT_FILE} and {ORIGIN_FILE} of this version ({problem!r}); `constat detect` makes them"
        raise UserError(msg) from None


def _planted(row: Json) -> Planted:
    return Planted(
        id=str(row["id"]),
        outcome=str(row["outcome"]),
        by=tuple(row["by"]),
        seconds=float(row["seconds"]),
        detail=str(row.get("detail", "")),
        title=str(row.get("title", "")),
    )
