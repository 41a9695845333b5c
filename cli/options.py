"""Options that several commands share: the same name means the same everywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from provision.home import DEFAULT_NAME

ROOT: Final = Path(__file__).resolve().parent.parent
DEFAULT_TARGET: Final = ROOT / "targets" / "embedded.toml"
RUNS: Final = Path(os.environ.get("CONSTAT_OUT") or ROOT / "out").absolute()

Name = Annotated[str, typer.Option("--name", help="which stack", metavar="NAME", envvar="CONSTAT_NAME")]
TargetFile = Annotated[Path, typer.Option("--target", help="the target file", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
Family = Annotated[
    list[str] | None, typer.Option("--family", help="this family; with --control: and those controls (may be repeated)", metavar="FAMILY")
]
Control = Annotated[
    list[str] | None, typer.Option("--control", help="this control; with --family: and those families (may be repeated)", metavar="ID")
]

STACK_NAME: Final = DEFAULT_NAME
