"""A run directory, read back: what was planned, what was found, and what was never reached."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from constat.control import FAMILIES
from constat.errors import UserError
from constat.finding import END_FILE, FINDINGS_FILE, PLAN_FILE, Finding, digests, read_findings
from constat.outcome import ExitCode, Impact, Occasion, Outcome, exit_code, worst
from reports.plan import Plan, PlannedControl, read_end, read_plan, read_stop

if TYPE_CHECKING:
    import os

# What findings about a control as a whole, about a target that cannot be looked at, and about reach call their subject.
WHOLE, TARGET, COVERAGE = "(control)", "(target)", "coverage"
UNPLANNED = "unplanned"

NOT_REACHED = "the run ended before it was reached"
NOT_SELECTED = "not selected for this run"
A_DRILL = "not selected for this run: a drill is run when its family or its id is asked for"
CUT_SHORT = "the run ended here: whether this control had looked at all of its subjects is not known"


class Verdict(StrEnum):
    """What a run says as a whole."""

    PROVEN = "PROVEN"
    FAILED = "FAILED"
    NOT_PROVEN = "NOT_PROVEN"


_VERDICTS = {ExitCode.PROVEN: Verdict.PROVEN, ExitCode.FAILED: Verdict.FAILED, ExitCode.NOT_PROVEN: Verdict.NOT_PROVEN}


@dataclass(frozen=True, kw_only=True)
class Result:
    """One control, what was found about it, and what this reader adds where the run fell silent."""

    control: PlannedControl
    found: tuple[Finding, ...]
    added: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Both; never empty."""
        return self.found + self.added

    @property
    def is_reached(self) -> bool:
        """Whether the run wrote anything about it."""
        return bool(self.found)

    @property
    def outcome(self) -> Outcome:
        """The worst of its findings."""
        return worst(finding.outcome for finding in self.findings)

    @property
    def is_judged(self) -> bool:
        """Whether it counts for the verdict: it was selected, or something was found all the same."""
        return self.control.selected or self.is_reached

    @property
    def subjects(self) -> tuple[str, ...]:
        """What it was tried on, each once, in the order of the findings."""
        return tuple(dict.fromkeys(finding.subject for finding in self.findings if finding.subject not in {WHOLE, TARGET, COVERAGE}))

    @property
    def worst_findings(self) -> tuple[Finding, ...]:
        """The findings that gave it its outcome."""
        return tuple(finding for finding in self.findings if finding.outcome is self.outcome)

    @property
    def duration_s(self) -> float:
        """Seconds that its findings took, one after the other."""
        return sum(finding.duration_s for finding in self.found)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run directory in memory."""

    directory: Path
    plan: Plan
    results: tuple[Result, ...]
    was_interrupted: bool

    @property
    def judged(self) -> tuple[Result, ...]:
        """The controls that the verdict rests on."""
        return tuple(result for result in self.results if result.is_judged)

    @property
    def not_selected(self) -> tuple[Result, ...]:
        """The controls that this run left out on purpose."""
        return tuple(result for result in self.results if not result.is_judged)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding of a judged control, with those synthesised for what was not reached."""
        return tuple(finding for result in self.judged for finding in result.findings)

    @property
    def by_family(self) -> dict[str, tuple[Result, ...]]:
        """Judged controls by family, in the order of a run."""
        grouped: dict[str, list[Result]] = defaultdict(list)
        for result in self.judged:
            grouped[result.control.family].append(result)
        known = [family for family in FAMILIES.values() if family in grouped]
        return {family: tuple(grouped[family]) for family in known + sorted(set(grouped) - set(known))}

    @property
    def by_control(self) -> dict[str, Result]:
        """Every result by the control's id, those not selected included."""
        return {result.control.id: result for result in self.results}

    @property
    def exit_code(self) -> int:
        """The exit code that this run deserves."""
        return exit_code(result.outcome for result in self.judged)

    @property
    def verdict(self) -> Verdict:
        """The exit code in a word."""
        return _VERDICTS[self.exit_code]

    @property
    def ended(self) -> datetime:
        """When the last finding was complete (UTC); the start, when there is none."""
        ends = [_end(finding) for result in self.results for finding in result.found]
        return max([self.plan.started, *ends])

    def with_outcome(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        """Return the findings of judged controls that ended so, in the order of the plan."""
        return tuple(finding for finding in self.findings if finding.outcome in outcomes)


def load_run(directory: str | os.PathLike[str]) -> Run:
    """Read a run directory; raises UserError when it is none, or when its files cannot be trusted."""
    path = Path(directory)
    if not path.is_dir():
        msg = f"run {str(path)!r} does not exist; expected a directory that `constat verify` left in out/, such as out/latest"
        raise UserError(msg)
    plan = read_plan(path / PLAN_FILE)
    _refuse_changed(path)
    found = _read(path / FINDINGS_FILE, plan)
    results = _results(plan, found, read_stop(path))
    has_ended = (path / END_FILE).exists()
    is_torn = _is_torn(path / FINDINGS_FILE) or (plan.marks_end and not has_ended)
    is_cut = is_torn or not all(result.is_reached for result in results if result.control.selected)
    if found and is_cut and not (has_ended and not is_torn):
        results = tuple(_cut_short(plan, result) if result.control.id == found[-1].control else result for result in results)
    return Run(directory=path, plan=plan, results=results, was_interrupted=is_cut)


def _refuse_changed(path: Path) -> None:
    """The end of a run seals what its verdict rests on: a line less, or another word, must not make it green."""
    sealed = read_end(path / END_FILE).get("digests", {})
    if changed := sorted(name for name, digest in digests(path).items() if sealed.get(name, digest) != digest):
        msg = f"{changed[0]} of run {str(path)!r} is not what the run left: it was changed or cut afterwards; run again"
        raise UserError(msg)


def _read(path: Path, plan: Plan) -> tuple[Finding, ...]:
    try:
        found = read_findings(path)
        _ = [_end(finding) for finding in found]
    except (OSError, ValueError, TypeError, OverflowError) as problem:
        msg = f"{str(path)!r} cannot be read ({problem}), expected one finding a line in UTF-8; the file was damaged, run again"
        raise UserError(msg) from None
    if strangers := sorted({finding.run_id for finding in found} - {plan.run_id}):
        expected = f"expected {plan.run_id!r} as in {PLAN_FILE}"
        msg = f"{str(path)!r} has findings of run {strangers[0]!r}, {expected}; keep each run in a directory of its own"
        raise UserError(msg)
    return found


def _is_torn(path: Path) -> bool:
    return path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0


def _results(plan: Plan, found: tuple[Finding, ...], stopped: str) -> tuple[Result, ...]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        grouped[finding.control].append(finding)
    planned = [_result(plan, control, tuple(grouped.pop(control.id, ())), stopped) for control in plan.controls]
    # Nothing red is hidden because nobody planned it.
    return (*planned, *(_result(plan, _unplanned(rows[0]), tuple(rows), stopped) for rows in grouped.values()))


def _result(plan: Plan, control: PlannedControl, found: tuple[Finding, ...], stopped: str) -> Result:
    left_out = A_DRILL if control.occasion is Occasion.DRILL else NOT_SELECTED
    reason = (stopped or NOT_REACHED) if control.selected else left_out
    return Result(control=control, found=found, added=() if found else (_not_reviewed(plan, control, reason),))


def _unplanned(finding: Finding) -> PlannedControl:
    return PlannedControl(
        id=finding.control,
        family=FAMILIES.get(finding.control[:3], UNPLANNED),
        title=finding.title,
        severity=finding.severity,
        impact=Impact.OBSERVE,
        refs=finding.refs,
        remediation=finding.remediation,
        selected=False,
    )


def _cut_short(plan: Plan, result: Result) -> Result:
    return replace(result, added=(*result.added, _not_reviewed(plan, result.control, CUT_SHORT)))


def _not_reviewed(plan: Plan, control: PlannedControl, reason: str) -> Finding:
    return Finding(
        run_id=plan.run_id,
        control=control.id,
        subject=WHOLE,
        outcome=Outcome.NOT_REVIEWED,
        severity=control.severity,
        title=control.title,
        reason=reason,
        expected=None,
        observed=None,
        positive_control=None,
        started=plan.started.isoformat(),
        duration_s=0.0,
        target=plan.target,
        provider=plan.provider,
        refs=control.refs,
        remediation=control.remediation,
    )


def _end(finding: Finding) -> datetime:
    begin = datetime.fromisoformat(finding.started)
    return (begin if begin.tzinfo else begin.replace(tzinfo=UTC)) + timedelta(seconds=finding.duration_s)
