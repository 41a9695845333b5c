"""`constat evidence`: sign what a run proved, check it offline, and make the key for both."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from cli import runs
from cli.console import ERR, OUT, Told, complain
from cli.options import ROOT, RUNS
from constat.errors import UserError
from constat.outcome import ExitCode
from constat.target import load_target
from provision import preflight, typesetting
from reports.bundle import keys
from reports.bundle.make import Order, files, write
from reports.bundle.statement import Statement, target_digest
from reports.bundle.verify import Checked, Expected, check
from reports.messages import DEFAULT_LANGUAGE
from reports.quarterly.selftest import RESULT_FILE

BUNDLES = RUNS / "evidence"
PREVIOUS_VARIABLE = "CONSTAT_EVIDENCE_PREVIOUS"

Run = Annotated[str, typer.Argument(help="run id, directory, or `latest`")]
Bundle = Annotated[Path, typer.Argument(help="the directory that `constat evidence make` left", metavar="DIR")]
Language = Annotated[str, typer.Option("--lang", help="en or fr", metavar="LANG")]
Signing = Annotated[
    Path | None, typer.Option("--key", help="the key that signs (default: this account's)", metavar="FILE", envvar=keys.KEY_VARIABLE)
]
Checking = Annotated[Path | None, typer.Option("--key", help="the signer's public key (default: this account's)", metavar="PUB")]
Previous = Annotated[Path | None, typer.Option("--previous", help="the evidence before this one", metavar="DIR", envvar=PREVIOUS_VARIABLE)]
PreviousKey = Annotated[Path | None, typer.Option("--previous-key", help="its public key, if it is another", metavar="PUB")]
SelfTest = Annotated[
    str | None, typer.Option("--self-test", help="the run of `constat detect` (default: the newest of the same version)", metavar="RUN")
]
Into = Annotated[Path | None, typer.Option("--into", help="where it goes (default: out/evidence/RUN-LANG)", metavar="DIR")]
KeyFolder = Annotated[
    Path | None,
    typer.Option("--into", help=f"where the key goes (default: where {keys.KEY_VARIABLE} says, else ~/.config/constat)", metavar="DIR"),
]
IfMissing = Annotated[bool, typer.Option("--if-missing", help="leave a key that is there already, and succeed")]
TargetOption = Annotated[Path | None, typer.Option("--target", help="it must be about this target file", metavar="FILE")]
Suite = Annotated[str | None, typer.Option("--suite", help="it must be made by this version or commit", metavar="VERSION")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    app = typer.Typer(help="Sign what a run proved, and check it offline.", no_args_is_help=True, rich_markup_mode="rich")
    app.command("key", help="Make the key that signs evidence; its public half is written beside it.")(key)
    app.command("make", help="Make the report of a run in HTML and PDF, and sign it with everything it was made from.")(make)
    app.command("verify", help="Check evidence offline; exit 1 with a line for each deviation.")(verify)
    commands.add_typer(app, name="evidence")


def key(into: KeyFolder = None, *, if_missing: IfMissing = False) -> None:
    """Make a key, readable by its owner alone; refused inside of the checkout, and where one is already."""
    private = into / keys.KEY_FILE if into else keys.default_key()
    if not (if_missing and private.exists()):
        OUT.print(str(keys.make(private, outside=ROOT)), soft_wrap=True)
    ERR.print(f"  {private} signs; keep it where the platform cannot reach it", style="dim", soft_wrap=True)
    ERR.print(f"  key {keys.key_id(keys.private_key(private).public_key())}", style="dim", soft_wrap=True)


def make(
    run: Run = "latest",
    *,
    previous: Previous = None,
    lang: Language = DEFAULT_LANGUAGE,
    key: Signing = None,
    self_test: SelfTest = None,
    previous_key: PreviousKey = None,
    into: Into = None,
) -> None:
    """Make the evidence of a run, and say where it is."""
    made = bundle(runs.find_run(run), lang=lang, key=key, previous=previous, previous_key=previous_key, self_test=self_test, into=into)
    OUT.print(str(made), soft_wrap=True)


def bundle(
    directory: Path,
    *,
    lang: str = DEFAULT_LANGUAGE,
    key: Path | None = None,
    previous: Path | None = None,
    previous_key: Path | None = None,
    self_test: str | None = None,
    into: Path | None = None,
) -> Path:
    """Make and write the evidence of a run; where it is.  Raises UserError when it cannot be made."""
    signing = keys.private_key(key or keys.default_key())
    before = None
    if previous is not None:
        public = keys.public_key(previous_key) if previous_key else signing.public_key()
        before = _genuine(check(previous, public), previous)
    tested = runs.find_run(self_test) if self_test else newest_self_test(directory)
    made = files(Order(run=directory, self_test=tested, previous=before, lang=lang), signing)
    where = into or BUNDLES / f"{directory.name}-{lang}"
    where.parent.mkdir(parents=True, exist_ok=True)
    write(made, where)
    return where


def prepare(*, install: bool, told: Told) -> None:
    """See that evidence can be made before hours are spent on what it is about; UserError with the remedy when it cannot."""
    keys.private_key(keys.default_key())
    if install:
        preflight.install(typesetting.TOOLS, told)
    preflight.require_tools(typesetting.TOOLS)


def previous_of_environment() -> Path | None:
    """The evidence before this one, as the environment names it."""
    return Path(given) if (given := os.environ.get(PREVIOUS_VARIABLE)) else None


def verify(
    directory: Bundle,
    *,
    key: Checking = None,
    previous: Previous = None,
    target: TargetOption = None,
    suite: Suite = None,
) -> None:
    """Check it; exit 0 when it is what was signed, 1 with a line for each deviation, 4 when it could not be looked at."""
    public = keys.public_key(key or keys.public_half(keys.default_key()))
    expected = Expected(
        suite=suite,
        target_digest=target_digest(load_target(target).model_dump(mode="json")) if target else None,
        previous_head=_genuine(check(previous, public), previous).head if previous else None,
    )
    checked = check(directory, public, expected)
    for deviation in checked.deviations:
        complain(deviation)
    if checked.statement is not None:
        OUT.print(_told(checked.statement), soft_wrap=True, markup=False)
    OUT.print("genuine" if checked.is_genuine else f"NOT genuine: {len(checked.deviations)} deviations", style="bold")
    raise typer.Exit(ExitCode.PROVEN if checked.is_genuine else ExitCode.FAILED)


def newest_self_test(run: Path) -> Path | None:
    """The newest detection that the same suite made beside a run, or None."""
    same = [path for path in runs.all_runs() if (path / RESULT_FILE).exists() and _suite(path) == _suite(run)]
    return same[-1] if same else None


def _suite(run: Path) -> tuple[object, object]:
    document = json.loads((run / "command.json").read_text("utf-8")) if (run / "command.json").exists() else {}
    return document.get("constat_version"), document.get("git_commit")


def _genuine(checked: Checked, directory: Path) -> Statement:
    if checked.statement is None or not checked.is_genuine:
        msg = f"the previous evidence {str(directory)!r} is not genuine ({'; '.join(checked.deviations)}); take it from its source"
        raise UserError(msg)
    return checked.statement


def _told(statement: Statement) -> str:
    suite = f"constat {statement.suite_version} ({statement.suite_commit[:12] or 'no commit'})"
    return (
        f"run {statement.run} of target {statement.target!r}, begun {statement.started}, verdict {statement.verdict},\n"
        f"made by {suite}: {statement.findings} findings, {len(statement.files)} files, head {statement.head}"
    )
