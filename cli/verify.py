"""`constat verify`: run the suites against a stack, and say what is proven."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import evidence, runs
from cli.console import ERR, OUT, Told, complain
from cli.healing import heal
from cli.options import DEFAULT_TARGET, STACK_NAME, Control, Family, Name
from cli.record import Record
from cli.session import run_controls
from cli.standing import standing
from constat.outcome import ExitCode
from reports import write_all
from reports.allure import guard
from reports.compare import compare
from reports.run import load_run
from reports.table import print_comparison, print_verdict

TargetOption = Annotated[Path | None, typer.Option("--target", help="the target file (for a stack that is not up)", metavar="FILE")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="leave the stack up afterwards")]
Install = Annotated[bool, typer.Option("--install", help="install missing Debian packages (root or passwordless sudo)")]
Compare = Annotated[bool, typer.Option("--compare", help="end with the difference since the previous run")]
WithEvidence = Annotated[bool, typer.Option("--evidence", help="end with the signed recovery report (see `constat evidence`)")]
Drills = Annotated[bool, typer.Option("--drills", help="the drills too, which take a minute or more each")]
Paths = Annotated[list[str] | None, typer.Argument(help="files or folders of suites; all when none is given", metavar="[PATH]...")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", help="Run the suites against a stack; without one, bring it up and take it down.")(verify)


def verify(
    paths: Paths = None,
    target: TargetOption = None,
    name: Name = STACK_NAME,
    family: Family = None,
    control: Control = None,
    *,
    keep_up: KeepUp = False,
    install: Install = False,
    with_difference: Compare = False,
    with_evidence: WithEvidence = False,
    drills: Drills = False,
) -> None:
    """Run the suites, write every report, and exit with the verdict."""
    if with_evidence:
        with Told() as told:
            evidence.prepare(install=install, told=told)
    record = Record(paths=paths or [], families=family or [], controls=control or [])
    if drills:
        record.ask_for_drills()
    with (
        record,
        Told() as told,
        standing(name, target, default=DEFAULT_TARGET, keep_up=keep_up, install=install, told=told, begun=record.begin),
    ):
        heal(name, told)
        told.note(f"run {record.directory.name}")
        told.quiet()  # the controls have the terminal from here
        code = run_controls(name, record.directory, families=record.families, controls=record.controls, paths=record.paths)
    if code == ExitCode.USAGE:
        runs.remove_run(record.directory)
    else:
        code = _concluded(record.directory, code, with_difference=with_difference, with_evidence=with_evidence)
    raise typer.Exit(code)


def _concluded(directory: Path, code: int, *, with_difference: bool, with_evidence: bool) -> int:
    """Write every report and show the verdict; the exit code."""
    write_all(directory)
    code = _guarded(directory, code)
    print_verdict(load_run(directory), OUT)
    if with_difference:
        _difference(directory)
    if with_evidence:
        OUT.print(str(evidence.bundle(directory, previous=evidence.previous_of_environment())), soft_wrap=True)
    for path in ("report.html", "summary.json", "junit.xml", "findings.jsonl", "allure-results"):
        ERR.print(f"  {directory / path}", style="dim")
    return code


def _guarded(directory: Path, code: int) -> int:
    """Allure is a view: where it says anything else than the findings, the run is not proven."""
    problems = guard(directory)
    for problem in problems:
        complain(f"Allure differs from the findings: {problem}")
    return code if code or not problems else ExitCode.NOT_PROVEN


def _difference(directory: Path) -> None:
    before = runs.previous_run(directory)
    if before is None:
        OUT.print("no previous run of this target to compare with")
        return
    print_comparison(compare(load_run(before), load_run(directory)), OUT)
