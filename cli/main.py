"""The entry point: registers the commands and turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Final

import typer

from cli.console import complain
from constat.errors import TargetError, UserError
from constat.outcome import ExitCode
from constat.stack import STACK_FILE
from provision.home import stack_directory, stacks

COMMANDS: Final = (
    "up",
    "status",
    "credentials",
    "verify",
    "detect",
    "load",
    "report",
    "compare",
    "evidence",
    "controls",
    "mutants",
    "target",
    "prune",
    "down",
)

_WRONG_USAGE: Final = 2
_INTERRUPTED: Final = 130

app = typer.Typer(
    name="constat",
    help="Stand a multi-tenant platform up, attack it, break it, restore it, load it, and leave evidence.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def _many() -> None:
    """Keep the command's name on the command line, also where only that one was loaded."""


def _load(words: list[str]) -> None:
    """Register the command that the words begin with, else all of them: what a command needs takes a second to import."""
    asked = [name for name in COMMANDS if words[:1] == [name]]
    for name in asked or COMMANDS:
        importlib.import_module(f"cli.{name}").register(app)


def main() -> None:
    """Run a command; exit 4 for wrong usage, 6 for a platform that failed, 130 when interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    # Service accounts must reach what is theirs, whatever the caller's shell keeps from others.
    os.umask(0o022)
    sys.exit(_run())


def _run() -> int:
    try:
        _load(sys.argv[1:])
        app()
    except SystemExit as ended:
        # The command line library says 2 for wrong usage, this project 4.
        return ExitCode.USAGE if ended.code == _WRONG_USAGE else int(ended.code or 0)
    except UserError as problem:
        complain(str(problem))
        return ExitCode.USAGE
    except TargetError as problem:
        complain(str(problem))
        return ExitCode.NOT_PROVEN
    except KeyboardInterrupt:
        complain("interrupted" + _left())
        return _INTERRUPTED
    return ExitCode.PROVEN


def _left() -> str:
    """Which stacks were begun and are not finished, and what removes them."""
    unfinished = [name for name in stacks() if not (stack_directory(name) / STACK_FILE).exists()]
    return "".join(f"; stack {name!r} is unfinished: `constat up --name {name}` or `constat down --name {name}`" for name in unfinished)


def _interrupt(number: int, frame: object) -> None:
    """End in order on SIGTERM as on Ctrl-C, so that faults heal and files are whole."""
    del frame
    raise KeyboardInterrupt(signal.Signals(number).name)


if __name__ == "__main__":
    main()
