"""`constat verify`: run the suites against a stack, and say what is proven."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import runs
from cli.console import ERR, OUT, Told, complain
from cli.healing import heal
from cli.options import DEFAULT_TARGET, STACK_NAME, Control, Family, Name
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
) -> None:
    """Run the suites, write every report, and exit with the verdict."""
    with Told() as told, standing(name, target, default=DEFAULT_TARGET, keep_up=keep_up, install=install, told=told):
        heal(name, told)
        directory = runs.new_run()
        told.note(f"run {directory.name}")
        told.quiet()  # the controls have the terminal from here
        code = run_controls(name, directory, families=family or [], controls=control or [], paths=paths or [])
    if code != ExitCode.USAGE:
        runs.point_latest(directory)
        write_all(directory)
        code = _guarded(directory, code)
        print_verdict(load_run(directory), OUT)
        if with_difference:
            _difference(directory)
        for path in ("report.html", "summary.json", "junit.xml", "findings.jsonl", "allure-results"):
            ERR.print(f"  {directory / path}", style="dim")
    raise typer.Exit(code)


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
