"""`python -m cli.prepare`: install what the embedded platform and the report on paper need on this machine, and start nothing."""

from __future__ import annotations

import sys

from cli.console import Told, complain
from cli.options import DEFAULT_TARGET
from constat.errors import UserError
from constat.outcome import ExitCode
from constat.target import load_target
from provision import preflight, typesetting
from provision.platform.catalogue import tools


def main() -> int:
    """Install; exit 4 with the command to paste when that is not allowed."""
    try:
        with Told() as told:
            preflight.install((*tools(load_target(DEFAULT_TARGET)), *typesetting.TOOLS), told)
    except UserError as problem:
        complain(str(problem))
        return ExitCode.USAGE
    return ExitCode.PROVEN


if __name__ == "__main__":
    sys.exit(main())
