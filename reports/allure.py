"""Allure: its HTML from the results that allure-pytest left, and a guard that they tell the same story as the findings."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from constat.errors import HarnessError, UserError
from constat.outcome import Outcome, worst
from reports.printable import printable
from reports.run import load_run

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from constat.finding import Finding
    from reports.run import Result

RESULTS_DIRECTORY = "allure-results"
REPORT_DIRECTORY = "allure-report"
VERSION = "3.18.0"
DEADLINE_S = 300
# The label of an Allure result that names the control.
CONTROL_LABEL = "control"
STATUSES = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.ERROR: "broken",
    Outcome.INCONCLUSIVE: "broken",
    Outcome.NOT_REVIEWED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
    Outcome.WAIVED: "skipped",
}
_CONFIGURATION = {"name": "Constat", "plugins": {"awesome": {"options": {"singleFile": True, "groupBy": ["epic"]}}}}
# Allure writes a call to Google into every report and has no option against it.
_ANALYTICS = re.compile(
    r"<script[^>]*googletagmanager[^>]*>\s*</script>\s*"
    r"(?:<script>(?:(?!</script>).)*gtag(?:(?!</script>).)*</script>)?",
    re.DOTALL,
)
# A second lock on the same door: whatever else the page holds, it can ask nobody.
_SOURCES = "default-src data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'none'"
_POLICY = f'<meta http-equiv="Content-Security-Policy" content="{_SOURCES}">'


def history_id(control: str) -> str:
    """Return the id that a control keeps in Allure's history, whatever its test is called."""
    return hashlib.md5(control.encode(), usedforsecurity=False).hexdigest()


def step_name(finding: Finding) -> str:
    """Return the name of the step that stands for a finding."""
    return printable(finding.subject)


def render(run_dir: str | os.PathLike[str]) -> Path:
    """Make Allure's own HTML and return its path; one file that opens offline and asks for nothing.

    Needs Node.  Raises UserError when it is not there, or when Allure fails or takes too long.
    """
    run = load_run(run_dir)
    results = run.directory.resolve() / RESULTS_DIRECTORY
    if not results.is_dir():
        msg = f"run {str(run.directory)!r} has no {RESULTS_DIRECTORY}/, expected what allure-pytest writes; verify with --alluredir"
        raise UserError(msg)
    command = _program()
    with tempfile.TemporaryDirectory(dir=run.directory, prefix=".allure-") as work:
        _generate(command, results, Path(work).resolve())
        return _publish(Path(work), run.directory / REPORT_DIRECTORY)


def guard(run_dir: str | os.PathLike[str]) -> list[str]:
    """Return every difference between a run's findings and its Allure results; empty when they agree."""
    run = load_run(run_dir)
    problems: list[str] = []
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((run.directory / RESULTS_DIRECTORY).glob("*-result.json")):
        try:
            told[_control_of(document := json.loads(path.read_bytes()))].append(document)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            problems.append(f"allure result {path.name!r} cannot be read ({problem}), expected what allure-pytest writes")
    problems += [f"allure result {row.get('name')!r} belongs to no control, expected a label {CONTROL_LABEL!r}" for row in told.pop("", [])]
    for result in run.judged:
        problems += _problems(result, told.pop(result.control.id, []))
    return problems + [f"control {control}: Allure has a result of it, the run has neither planned nor found it" for control in told]


def _problems(result: Result, told: list[dict[str, Any]]) -> Iterator[str]:
    control = result.control.id
    if len(told) != 1:
        yield f"control {control}: {len(told)} Allure results, expected one"
        return
    story, expected = told[0], STATUSES[worst(finding.outcome for finding in result.found)]
    if story.get("historyId") != history_id(control):
        yield f"control {control}: history id {story.get('historyId')!r}, expected {history_id(control)!r}"
    if story.get("status") != expected:
        yield f"control {control}: Allure says {story.get('status')!r}, the findings {expected!r}"
    yield from _steps(result, story.get("steps", []))


def _steps(result: Result, steps: list[dict[str, Any]]) -> Iterator[str]:
    told = Counter((str(step.get("name")), str(step.get("status"))) for step in steps)
    found = Counter((step_name(finding), STATUSES[finding.outcome]) for finding in result.found)
    for name, status in found - told:
        yield f"control {result.control.id}: the finding on {name!r} ({status}) has no step in Allure"
    for name, status in told - found:
        yield f"control {result.control.id}: Allure's step {name!r} ({status}) has no finding"


def _control_of(document: dict[str, Any]) -> str:
    return next((str(label["value"]) for label in document.get("labels", []) if label["name"] == CONTROL_LABEL), "")


def _program() -> tuple[str, ...]:
    installed = shutil.which("allure")
    if installed and _version(installed).startswith("3."):
        return (installed,)
    if npx := shutil.which("npx"):
        return (npx, "--yes", f"allure@{VERSION}")
    remedy = f"`apt-get install nodejs npm` (Node 20 or later), or `npm install --global allure@{VERSION}`"
    msg = f"neither `allure` 3 nor `npx` is on this machine, expected one of them to make Allure's HTML; run {remedy}"
    raise UserError(msg)


def _version(program: str) -> str:
    try:
        return _run((program, "--version")).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _run(command: tuple[str, ...], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    # Every word of the command is ours; no shell reads it.
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def _generate(command: tuple[str, ...], results: Path, work: Path) -> None:
    configuration = work / "allurerc.json"
    configuration.write_text(json.dumps(_CONFIGURATION), "utf-8")
    arguments = [*command, "generate", str(results), "--config", str(configuration), "--output", str(work / REPORT_DIRECTORY)]
    try:
        done = _run(tuple(arguments), cwd=work)
    except (OSError, subprocess.TimeoutExpired) as problem:
        msg = f"Allure did not run ({problem}); try `{' '.join(arguments)}`"
        raise UserError(msg) from None
    if done.returncode or not (work / REPORT_DIRECTORY / "index.html").is_file():
        last = (done.stderr + done.stdout).strip()[-500:]
        msg = f"Allure ended with {done.returncode}, expected a report; its last words: {last!r}; try `{' '.join(arguments)}`"
        raise UserError(msg)


def _publish(work: Path, report: Path) -> Path:
    page = work / REPORT_DIRECTORY / "index.html"
    page.write_text(_silenced(page.read_text("utf-8")), "utf-8")
    shutil.rmtree(report, ignore_errors=True)
    (work / REPORT_DIRECTORY).rename(report)
    return report / "index.html"


def _silenced(text: str) -> str:
    silent = _ANALYTICS.sub("", text).replace("<head>", f"<head>\n{_POLICY}", 1)
    if "googletagmanager" in silent or _POLICY not in silent:
        msg = f"Allure {VERSION} writes its pages in another way, so its call to Google could not be taken out"
        raise HarnessError(msg)
    return silent
