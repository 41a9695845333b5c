"""`junit.xml`: one test suite a family, one test case a control, for CI servers.

A consumer that counts only failures and errors must not see green where the
verdict is not: a selected control that was not reviewed is an error, and so is a
run that judged nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from constat.outcome import Outcome
from reports.printable import printable, shown
from reports.run import Verdict
from reports.summary import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.finding import Finding
    from reports.run import Result, Run

FAILURE, ERROR, SKIPPED = "failure", "error", "skipped"
_ELEMENTS = {
    Outcome.FAIL: FAILURE,
    Outcome.ERROR: ERROR,
    Outcome.INCONCLUSIVE: ERROR,
    Outcome.NOT_REVIEWED: ERROR,
    Outcome.WAIVED: SKIPPED,
    Outcome.NOT_APPLICABLE: SKIPPED,
}


def render(run: Run) -> bytes:
    """Return the document in UTF-8; the same run gives the same bytes."""
    root = ET.Element("testsuites", {"name": _text(f"constat {run.plan.target}")})
    root.extend(_suite(run, family, results) for family, results in _families(run).items())
    if run.verdict is Verdict.NOT_PROVEN and not run.judged:
        root.append(_empty(run))
    _total(root, root.iter("testcase"))
    ET.indent(root)
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _families(run: Run) -> dict[str, tuple[Result, ...]]:
    families = {family: list(results) for family, results in run.by_family.items()}
    for result in run.not_selected:
        families.setdefault(result.control.family, []).append(result)
    return {family: tuple(results) for family, results in families.items()}


def _suite(run: Run, family: str, results: tuple[Result, ...]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": _text(family), "timestamp": stamp(run.plan.started)})
    suite.append(_properties(run))
    suite.extend(_case(result) for result in results)
    _total(suite, suite.iter("testcase"))
    return suite


def _properties(run: Run) -> ET.Element:
    plan = run.plan
    values = {"run_id": plan.run_id, "target": plan.target, "provider": plan.provider, "verdict": run.verdict, "command": plan.command}
    properties = ET.Element("properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    return properties


def _case(result: Result) -> ET.Element:
    control = result.control
    names = {"classname": _text(f"{control.family}.{control.id}"), "name": _text(f"{control.id} {control.title}")}
    case = ET.Element("testcase", {**names, "time": _time(result.duration_s)})
    if element := _element(result):
        worst = result.worst_findings
        said = ET.SubElement(case, element, {"type": result.outcome.value, "message": _text(_message(worst))})
        said.text = _text("\n\n".join(map(_worded, worst)))
    return case


def _element(result: Result) -> str | None:
    return _ELEMENTS.get(result.outcome) if result.is_judged else SKIPPED


def _message(findings: tuple[Finding, ...]) -> str:
    first, rest = findings[0], len(findings) - 1
    return f"{first.subject}: {first.reason}" + (f" (and {rest} more)" if rest else "")


def _worded(finding: Finding) -> str:
    lines = [f"{finding.control} on {finding.subject}: {finding.outcome}", f"reason: {finding.reason}"]
    if finding.expected is not None or finding.observed is not None:
        lines += [f"expected: {shown(finding.expected)}", f"observed: {shown(finding.observed)}"]
    lines += [f"remedy: {finding.remediation}"] if finding.remediation else []
    return "\n".join(lines + [f"evidence: {ref.path} sha256:{ref.sha256}" for ref in finding.evidence])


def _empty(run: Run) -> ET.Element:
    suite = ET.Element("testsuite", {"name": "verdict", "timestamp": stamp(run.plan.started)})
    case = ET.SubElement(suite, "testcase", {"classname": "verdict", "name": "the run proves something", "time": "0.000"})
    ET.SubElement(case, ERROR, {"type": Outcome.NOT_REVIEWED.value, "message": "no control was selected, so nothing was proven"})
    _total(suite, [case])
    return suite


def _total(element: ET.Element, cases: Iterable[ET.Element]) -> None:
    found = list(cases)
    element.set("tests", str(len(found)))
    for name, child in (("failures", FAILURE), ("errors", ERROR), ("skipped", SKIPPED)):
        # The root has no such attribute in the schema.
        if element.tag == "testsuite" or child != SKIPPED:
            element.set(name, str(sum(1 for case in found if case.find(child) is not None)))
    element.set("time", _time(sum(float(case.get("time", "0")) for case in found)))


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _text(value: str) -> str:
    # What XML 1.0 cannot carry is among what `printable` spells out.
    return printable(value)
