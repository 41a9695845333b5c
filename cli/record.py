"""A run from its first moment: what it sets out to prove is written down before anything is started."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cli import runs
from cli.catalogue import all_controls
from constat.errors import UserError
from constat.finding import END_FILE, PLAN_FILE
from fixtures.planning import write_plan
from fixtures.selection import is_selected, unknown
from reports import write_all
from reports.plan import STOP_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from constat.control import Control
    from constat.target import Target


@dataclass
class Record:
    """The run of one `constat verify`.

    From `begin` on `latest` means it, so that nobody takes an older verdict for this
    one's; as a context it writes down why the run stopped before its end.
    """

    paths: list[str]
    families: list[str]
    controls: list[str]
    rules: list[Control] = field(init=False)
    _directory: Path | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Refuse what is not there, before anything is started."""
        self.rules = all_controls(self.paths)
        if problems := unknown(self.rules, families=self.families, controls=self.controls):
            raise UserError("\n".join(problems))

    def ask_for_drills(self) -> None:
        """Where nothing is asked for by name, ask for every family, which means its drills too."""
        if not self.families and not self.controls:
            self.families = sorted({rule.family for rule in self.rules})

    @property
    def directory(self) -> Path:
        """Where the run's files are; it must have begun."""
        assert self._directory is not None
        return self._directory

    def begin(self, target: Target) -> None:
        """Make the run's directory and its plan."""
        self._directory = runs.new_run()
        chosen = [rule for rule in self.rules if is_selected(rule, families=self.families, controls=self.controls)]
        rest = [rule for rule in self.rules if rule not in chosen]
        write_plan(self.directory, target, [*chosen, *rest], selected={rule.id: None for rule in chosen})
        runs.point_latest(self.directory)

    def __enter__(self) -> Self:
        """Begin to watch."""
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: object) -> None:
        """Write down why it stopped, when it did."""
        del kind, trace
        if problem is None or self._directory is None or not (self.directory / PLAN_FILE).exists():
            return
        if not (self.directory / END_FILE).exists():
            reason = f"the run stopped: {str(problem) or type(problem).__name__}"
            (self.directory / STOP_FILE).write_text(json.dumps({"reason": reason.splitlines()[0]}), "utf-8")
            write_all(self.directory)
