"""`constat report`: make every report of a run again, from its findings and evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import runs
from cli.console import OUT
from reports import write_all
from reports.allure import render
from reports.run import load_run
from reports.table import print_verdict

Run = Annotated[str, typer.Argument(help="run id, directory, or `latest`")]
Allure = Annotated[bool, typer.Option("--allure", help="also render Allure's own HTML (needs Node)")]
Language = Annotated[str, typer.Option("--lang", help="en or fr", metavar="LANG")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", help="Make every report of a run again; exit 0 whatever its verdict.")(report)


def report(run: Run = "latest", *, allure: Allure = False, lang: Language = "en") -> None:
    """Make the reports again, and say where they are."""
    directory = runs.find_run(run)
    for path in write_all(directory, lang=lang):
        OUT.print(str(path), soft_wrap=True)
    if allure:
        OUT.print(str(render(directory)), soft_wrap=True)
    print_verdict(load_run(directory), OUT)
