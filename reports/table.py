"""The verdict for the terminal: a table by family, every red finding with its remedy, and what is open."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from constat.outcome import Outcome, worst
from reports.compare import to_text
from reports.messages import messages
from reports.printable import printable
from reports.run import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from constat.finding import Finding
    from reports.compare import Comparison
    from reports.run import Result, Run

_STYLES = {
    Outcome.PASS: "green",
    Outcome.NOT_APPLICABLE: "bright_black",
    Outcome.WAIVED: "blue",
    Outcome.NOT_REVIEWED: "cyan",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.ERROR: "magenta",
    Outcome.FAIL: "bold red",
}
_VERDICT_STYLES = {Verdict.PROVEN: "bold green", Verdict.FAILED: "bold red", Verdict.NOT_PROVEN: "bold yellow"}
_UNSETTLED = (Outcome.ERROR, Outcome.INCONCLUSIVE, Outcome.NOT_REVIEWED)


def print_verdict(run: Run, console: Console) -> None:
    """Print the run; without a terminal the lines are plain and never cut."""
    console.print(_by_family(run, is_plain=not console.is_terminal))
    for line in _lines(run):
        console.print(line, soft_wrap=not console.is_terminal)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the difference between two runs."""
    console.print(Text(to_text(comparison)), end="", soft_wrap=not console.is_terminal)


def _by_family(run: Run, *, is_plain: bool) -> Table:
    table = Table(box=None if is_plain else box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column("family", footer="all", overflow="fold")
    table.add_column("worst", no_wrap=True)
    table.add_column("controls", footer=_tally(run.judged), overflow="fold")
    table.add_column("time", footer=messages().duration((run.ended - run.plan.started).total_seconds()), justify="right", no_wrap=True)
    for family, results in run.by_family.items():
        outcome = worst(result.outcome for result in results)
        time = messages().duration(sum(result.duration_s for result in results))
        table.add_row(Text(printable(family)), Text(_word(outcome), _STYLES[outcome]), _tally(results), Text(time))
    return table


def _tally(results: Iterable[Result]) -> Text:
    seen = Counter(result.outcome for result in results)
    counts = [Text(f"{seen[outcome]} {_word(outcome)}", _STYLES[outcome]) for outcome in reversed(Outcome) if seen[outcome]]
    return Text(", ").join(counts) if counts else Text("none")


def _lines(run: Run) -> Iterable[Text]:
    failed = [result for result in run.judged if result.outcome is Outcome.FAIL]
    for result in failed:
        yield from _red(result)
    unsettled = [result for result in run.judged if result.outcome in _UNSETTLED]
    for result in unsettled:
        yield _line(result.outcome, result.control.id, _said(result.worst_findings))
    for result in run.judged:
        for finding in (row for row in result.found if row.outcome is Outcome.WAIVED):
            yield _line(finding.outcome, finding.control, f"{finding.subject}: {finding.reason}")
    yield _closing(run, failed, unsettled)


def _red(result: Result) -> Iterable[Text]:
    yield _line(Outcome.FAIL, result.control.id, result.control.title)
    for finding in result.worst_findings:
        yield Text(f"    {_flat(finding.subject)}: {_flat(finding.reason)}")
    for remedy in dict.fromkeys(finding.remediation for finding in result.worst_findings):
        yield Text(f"    remedy: {_flat(remedy)}", "green")


def _said(findings: tuple[Finding, ...]) -> str:
    reasons = list(dict.fromkeys(finding.reason for finding in findings))
    return reasons[0] + (f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else "")


def _closing(run: Run, failed: list[Result], unsettled: list[Result]) -> Text:
    counts = f"{len(failed)} red, {len(unsettled)} not proven, of {len(run.judged)} controls"
    counts += f" (a part: there are {len(run.results)})" if run.not_selected else ""
    interrupted = "; the run was interrupted" if run.was_interrupted else ""
    return Text(f"{messages()(f'verdict.{run.verdict}')}: {counts}{interrupted} (exit code {run.exit_code})", _VERDICT_STYLES[run.verdict])


def _line(outcome: Outcome, control: str, text: str) -> Text:
    return Text.assemble((f"{_word(outcome):<14}", _STYLES[outcome]), " ", (_flat(control), "bold"), " ", _flat(text))


def _flat(text: str) -> str:
    return printable(text.replace("\n", " ").replace("\t", " "))


def _word(outcome: Outcome) -> str:
    return messages()(f"outcome.{outcome}")
