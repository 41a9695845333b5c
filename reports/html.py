"""`report.html`: the run for people, in one file that opens offline and asks for nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from constat.outcome import Outcome, Severity, worst
from constat.trial import Act
from reports import latency
from reports.evidence import State, exhibit, exhibits, text_of
from reports.matrix import matrix
from reports.messages import DEFAULT_LANGUAGE, messages
from reports.printable import printable, shown
from reports.promises import promises
from reports.run import COVERAGE, CUT_SHORT, NOT_REACHED, NOT_SELECTED, TARGET, WHOLE, Verdict
from reports.summary import coverage, stamp, versions
from reports.waiver import terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.finding import Finding
    from reports.matrix import Matrix
    from reports.messages import Messages
    from reports.run import Result, Run
    from reports.waiver import Terms

TEMPLATES = Path(__file__).with_name("templates")
SECTIONS = ("families", "red", "matrix", "latency", "open", "waived", "promises", "coverage", "all", "versions", "again", "limits")
UNSETTLED = (Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_REVIEWED)
_OUR_REASONS = {NOT_REACHED: "NOT_REACHED", NOT_SELECTED: "NOT_SELECTED", CUT_SHORT: "CUT_SHORT"}
_SEVEREST_FIRST = {severity: place for place, severity in enumerate(reversed(Severity))}


@dataclass(frozen=True, kw_only=True)
class FamilyRow:
    """One line of the table by family."""

    name: str
    results: tuple[Result, ...]
    counts: Counter[Outcome]

    @property
    def outcome(self) -> Outcome:
        """The worst of its controls."""
        return worst(self.counts)

    @property
    def seconds(self) -> float:
        """What its controls took together."""
        return sum(result.duration_s for result in self.results)


@dataclass(frozen=True, kw_only=True)
class OpenRow:
    """Findings of one control that could not be settled, all for one reason."""

    result: Result
    reason: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class SeenRow:
    """Findings of one control that differ in their subject alone: a thousand passes are one line."""

    finding: Finding
    subjects: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WaivedRow:
    """A waived finding and the terms of its waiver, where its reason words them."""

    result: Result
    finding: Finding
    terms: Terms | None


def render(run: Run, lang: str = DEFAULT_LANGUAGE) -> bytes:
    """Return the page in UTF-8; the same run gives the same bytes.  Raises UserError for an unknown language."""
    return page("report.html.j2", messages(lang), _context(run, messages(lang)))


def matrix_page(found: Matrix, lang: str = DEFAULT_LANGUAGE) -> bytes:
    """Return the matrix of isolation as a page of its own."""
    return page("matrix.html.j2", messages(lang), {"matrix": found, "acts": list(Act)})


def page(template: str, t: Messages, context: dict[str, Any]) -> bytes:
    """Fill in one of our pages: every value is escaped, and what a reader cannot see is spelled out."""
    return _environment().get_template(template).render(t=t, **context).encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )
    environment.filters["shown"] = shown
    return environment


def _seen(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _context(run: Run, t: Messages) -> dict[str, Any]:
    totals = Counter(result.outcome for result in run.judged)
    return {
        "run": run,
        "plan": run.plan,
        "subject": partial(_subject, t),
        "sections": SECTIONS,
        "outcomes": list(Outcome),
        "totals": totals,
        "seconds": (run.ended - run.plan.started).total_seconds(),
        "sentence": _sentence(run, t, totals),
        "families": _families(run),
        "red": _red(run),
        "unsettled": _unsettled(run, t),
        "waived": _waived(run),
        "matrix": matrix(run.findings),
        "acts": list(Act),
        "latency": latency.figures(run, t),
        "reproduction": partial(_reproduction, run),
        "promises": promises(run),
        "figures": coverage(run),
        "reach": [(result, row) for result in run.judged for row in result.found if row.subject == COVERAGE],
        "versions": versions(run),
        "limits": _limits(run, t, totals),
        "broken": [item for item in exhibits(run) if item.state is not State.KEPT],
        # Ids are free text here, so anchors are numbers.
        "anchor": {result.control.id: place for place, result in enumerate(run.results, 1)},
        "exhibit": partial(exhibit, run),
        "seen": _seen_rows,
        "remedies": _remedies,
        "references": _references,
        "reason": partial(_reason, t),
        "stamp": stamp,
    }


def _sentence(run: Run, t: Messages, totals: Counter[Outcome]) -> Iterator[str]:
    unsettled = sum(totals[outcome] for outcome in UNSETTLED)
    if not run.judged:
        yield t("verdict.nothing")
        return
    counted = {Verdict.PROVEN: len(run.judged), Verdict.FAILED: totals[Outcome.FAIL], Verdict.NOT_PROVEN: unsettled}[run.verdict]
    yield t.count(f"verdict.{run.verdict}.sentence", counted, all=t.whole(len(run.judged)))
    if run.not_selected:
        yield t("verdict.partial", n=t.whole(len(run.judged)), all=t.whole(len(run.results)))
    if run.verdict is Verdict.FAILED and unsettled:
        yield t.count("verdict.also", unsettled)
    if totals[Outcome.WAIVED]:
        yield t.count("verdict.waived", totals[Outcome.WAIVED])


def _families(run: Run) -> list[FamilyRow]:
    return [
        FamilyRow(name=name, results=results, counts=Counter(result.outcome for result in results))
        for name, results in run.by_family.items()
    ]


def _red(run: Run) -> list[Result]:
    failed = [result for result in run.judged if result.outcome is Outcome.FAIL]
    return sorted(failed, key=lambda result: _SEVEREST_FIRST[result.control.severity])


def _unsettled(run: Run, t: Messages) -> list[tuple[Outcome, list[OpenRow]]]:
    groups = [(outcome, [row for result in run.judged for row in _open_rows(result, outcome, t)]) for outcome in UNSETTLED]
    return [(outcome, rows) for outcome, rows in groups if rows]


def _open_rows(result: Result, outcome: Outcome, t: Messages) -> list[OpenRow]:
    alike: dict[str, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        if finding.outcome is outcome:
            alike[_reason(t, finding.reason)].append(finding)
    return [OpenRow(result=result, reason=reason, findings=tuple(rows)) for reason, rows in alike.items()]


def _seen_rows(result: Result) -> list[SeenRow]:
    alike: dict[str, list[Finding]] = defaultdict(list)
    for place, finding in enumerate(result.findings):
        # Only what passed is told together; everything else, and what has evidence, has a line of its own.
        is_plain = finding.outcome is Outcome.PASS and not finding.evidence
        said = (finding.reason, finding.expected, finding.observed, finding.positive_control)
        alike[repr(said) if is_plain else str(place)].append(finding)
    return [SeenRow(finding=rows[0], subjects=tuple(row.subject for row in rows)) for rows in alike.values()]


def _waived(run: Run) -> list[WaivedRow]:
    return [
        WaivedRow(result=result, finding=finding, terms=terms(finding.reason))
        for result in run.judged
        for finding in result.found
        if finding.outcome is Outcome.WAIVED
    ]


def _limits(run: Run, t: Messages, totals: Counter[Outcome]) -> Iterator[str]:
    unsettled = sum(totals[outcome] for outcome in UNSETTLED)
    yield t("limits.tried")
    yield t("limits.scope", target=run.plan.target, provider=run.plan.provider)
    yield t("limits.impact", impact=run.plan.impact)
    if run.not_selected:
        yield t.count("limits.left", len(run.not_selected))
    if unsettled:
        yield t.count("limits.open", unsettled)
    if totals[Outcome.WAIVED]:
        yield t.count("limits.waived", totals[Outcome.WAIVED])
    if forgotten := [promise.id for promise in promises(run) if not promise.results]:
        yield t.count("limits.promises", len(forgotten), names=", ".join(forgotten))
    yield t("limits.coverage")
    yield t("limits.signature")


def _reproduction(run: Run, leak: Finding) -> str:
    """What to paste to see a leak again: what the control has kept of it, else the control itself."""
    kept = next((ref for ref in leak.evidence if "reproduction" in ref.path), None)
    return (text_of(run, kept) if kept else "") or f"constat verify --control {leak.control}"


def _remedies(result: Result) -> list[str]:
    said = [finding.remediation for finding in result.worst_findings] or [result.control.remediation]
    return [remedy for remedy in dict.fromkeys(said) if remedy]


def _references(result: Result) -> list[str]:
    return list(dict.fromkeys([*result.control.refs, *(ref for finding in result.found for ref in finding.refs)]))


def _subject(t: Messages, name: str) -> str:
    return t("field.whole") if name in {WHOLE, TARGET} else name


def _reason(t: Messages, reason: str) -> str:
    return t(f"reason.{_OUR_REASONS[reason]}") if reason in _OUR_REASONS else reason
