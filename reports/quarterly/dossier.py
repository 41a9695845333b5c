"""Everything that the report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from constat import artefact
from constat.chain import BEGINNING
from constat.errors import UserError
from constat.outcome import Outcome, worst
from constat.target import Target
from reports.quarterly import artefacts
from reports.quarterly.objectives import Objective, objectives
from reports.run import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.quarterly.artefacts import Artefact
    from reports.quarterly.selftest import SelfTest
    from reports.run import Run

TARGET_FILE = "target.json"
_MONTHS = 3  # of a quarter
_VERDICTS = {outcome: Verdict.PROVEN if outcome.is_settled else Verdict.NOT_PROVEN for outcome in Outcome} | {Outcome.FAIL: Verdict.FAILED}


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """A run with its target, its self-test, and its place in the chain of reports."""

    run: Run
    target: Target
    self_test: SelfTest | None = None
    previous_head: str = BEGINNING
    previous_run: str = ""
    target_digest: str = ""
    head: str = BEGINNING  # of everything that the report is made from
    links: int = 0
    files: Mapping[str, str] = field(default_factory=dict)  # path in the bundle → SHA-256

    @property
    def quarter(self) -> tuple[int, int]:
        """The year and the quarter in which the run began (UTC)."""
        return self.run.plan.started.year, (self.run.plan.started.month - 1) // _MONTHS + 1

    @property
    def next_quarter(self) -> tuple[int, int]:
        """The one in which it has to be done again."""
        year, number = self.quarter
        last = 4
        return (year + 1, 1) if number == last else (year, number + 1)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The verdict on each promised number."""
        return objectives(self.run, self.target)

    @property
    def verdict(self) -> Verdict:
        """What the report says as a whole: a promised number that nobody measured is not proven, whatever else is green."""
        outcome = worst(objective.outcome for objective in self.objectives)
        if Verdict.FAILED in {self.run.verdict, _VERDICTS[outcome]}:
            return Verdict.FAILED
        return Verdict.PROVEN if (self.run.verdict, _VERDICTS[outcome]) == (Verdict.PROVEN, Verdict.PROVEN) else Verdict.NOT_PROVEN

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers were promised, and how they ended."""
        ended = [objective.outcome for objective in self.objectives]
        held, broken = sum(outcome.is_settled for outcome in ended), ended.count(Outcome.FAIL)
        unmeasured = sum(not objective.measurements for objective in self.objectives)
        return {
            "promised": len(ended),
            "held": held,
            "broken": broken,
            "unmeasured": unmeasured,
            "unclear": len(ended) - held - broken - unmeasured,
        }

    @property
    def artefacts(self) -> dict[str, tuple[Artefact, ...]]:
        """What the controls left for the report, by its name."""
        return {name: artefacts.read(self.run, name) for name in artefact.NAMES}

    @property
    def is_calibrated(self) -> bool:
        """Whether the same suite has noticed every planted defect and nothing else, and each control of the run one at least."""
        test = self.self_test
        return test is not None and test.is_calibrated and test.is_of(self.run) and not test.untried(self.run)


def read_target(content: bytes) -> Target:
    """The target as the run understood it; raises UserError for one of another version."""
    try:
        return Target.model_validate_json(content)
    except ValidationError as problem:
        msg = f"{TARGET_FILE} is no target of this version ({problem.error_count()} problems); use the version that made it, or run again"
        raise UserError(msg) from None
