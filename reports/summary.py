"""`summary.json`: the run in figures, for machines."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING

from constat.outcome import Outcome, worst
from reports.evidence import State, exhibits
from reports.printable import document
from reports.promises import promises
from reports.run import COVERAGE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from constat.finding import Finding, Json
    from reports.run import Result, Run

# The control whose subjects are components and whose observations are their versions.
VERSIONS_CONTROL = "CON-VER-01"


def render(run: Run) -> bytes:
    """Return the document in UTF-8; the same run gives the same bytes."""
    return document(summary(run))


def summary(run: Run) -> dict[str, Json]:
    """Return the run in figures: verdict, counts, coverage, durations, versions, and what is open."""
    return {
        **_identity(run),
        "verdict": run.verdict.value,
        "exit_code": run.exit_code,
        "interrupted": run.was_interrupted,
        "outcomes": _counts(run.judged),
        "coverage": coverage(run),
        "families": {family: _family(results) for family, results in run.by_family.items()},
        "controls": {result.control.id: _control(result) for result in run.results},
        "failed": [_finding(finding) for finding in run.with_outcome(Outcome.FAIL)],
        "not_proven": [_finding(finding) for finding in run.with_outcome(Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_REVIEWED)],
        "waived": [_finding(finding) for finding in run.with_outcome(Outcome.WAIVED)],
        "promises": {promise.id: _promise(promise.outcome, promise.results) for promise in promises(run)},
        "versions": versions(run),
        "evidence": _evidence(run),
    }


def coverage(run: Run) -> dict[str, Json]:
    """Return how much was planned, reached and enumerated; a control's own account is passed through."""
    return {
        "controls": {
            "planned": len(run.plan.controls),
            "selected": sum(1 for result in run.results if result.control.selected),
            "reached": sum(1 for result in run.results if result.is_reached),
        },
        "subjects": sum(len(result.subjects) for result in run.judged),
        "enumerated": [_reach(finding) for finding in run.findings if finding.subject == COVERAGE],
    }


def versions(run: Run) -> dict[str, Json]:
    """Return what each component said its version was; empty when nobody asked."""
    asked = run.by_control.get(VERSIONS_CONTROL)
    return {} if asked is None else {row.subject: row.observed for row in asked.found if row.subject != COVERAGE}


def stamp(moment: datetime) -> str:
    """Return a moment as UTC in ISO 8601, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(run: Run) -> dict[str, Json]:
    plan = run.plan
    return {
        "run_id": plan.run_id,
        "target": plan.target,
        "provider": plan.provider,
        "environment": plan.environment,
        "impact": plan.impact.value,
        "command": plan.command,
        "constat_version": plan.constat_version,
        "git_commit": plan.git_commit,
        "seed": plan.seed,
        "started": stamp(plan.started),
        "ended": stamp(run.ended),
        "duration_s": _seconds((run.ended - plan.started).total_seconds()),
    }


def _counts(results: Iterable[Result]) -> dict[str, int]:
    seen = Counter(result.outcome for result in results)
    return {outcome.value: seen[outcome] for outcome in Outcome}


def _family(results: tuple[Result, ...]) -> dict[str, Json]:
    return {
        "outcome": worst(result.outcome for result in results).value,
        "controls": len(results),
        "outcomes": _counts(results),
        "duration_s": _seconds(sum(result.duration_s for result in results)),
    }


def _control(result: Result) -> dict[str, Json]:
    return {
        "family": result.control.family,
        "severity": result.control.severity.value,
        "selected": result.control.selected,
        "reached": result.is_reached,
        "outcome": result.outcome.value,
        "subjects": len(result.subjects),
        "duration_s": _seconds(result.duration_s),
    }


def _finding(finding: Finding) -> dict[str, Json]:
    return {
        "control": finding.control,
        "subject": finding.subject,
        "outcome": finding.outcome.value,
        "severity": finding.severity.value,
        "title": finding.title,
        "reason": finding.reason,
    }


def _reach(finding: Finding) -> dict[str, Json]:
    return {**_finding(finding), "expected": finding.expected, "observed": finding.observed}


def _promise(outcome: Outcome, results: tuple[Result, ...]) -> dict[str, Json]:
    return {"outcome": outcome.value, "controls": [result.control.id for result in results]}


def _evidence(run: Run) -> dict[str, Json]:
    found = exhibits(run)
    return {"files": len(found), "problems": {item.path: item.state.value for item in found if item.state is not State.KEPT}}


def _seconds(value: float) -> float:
    return round(value, 3)
