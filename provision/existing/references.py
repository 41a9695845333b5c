"""References to secrets in a stack file: `env:NAME` and `file:PATH`, never the values themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constat.finding import Json


def resolve(value: Json, problems: list[str], secrets: set[str], where: str = "") -> Json:
    """Replace every reference by what it refers to; what is missing is added to the problems."""
    if isinstance(value, dict):
        return {key: resolve(item, problems, secrets, f"{where}.{key}" if where else str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, problems, secrets, f"{where}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, str) and value.startswith(("env:", "file:")):
        return _look_up(value, problems, secrets, where)
    return value


def _look_up(reference: str, problems: list[str], secrets: set[str], where: str) -> str:
    kind, _, name = reference.partition(":")
    try:
        found = os.environ[name] if kind == "env" else Path(name).read_text("utf-8").strip()
    except (KeyError, OSError):
        what = f"environment variable {name!r} is not set" if kind == "env" else f"file {name!r} cannot be read"
        problems.append(f"{where}: {what}; set it, or correct {reference!r}")
        return ""
    secrets.add(found)
    return found
