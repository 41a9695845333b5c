"""Other people's command lines: run to their end, with their own last words when they fail."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LINES: Final = 12


def run(words: Sequence[str], *, within: float, told: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
    """What a command prints, given what it is told; TargetError with its last lines when it fails.

    `within` are seconds; a command that takes longer is ended, and that is a TargetError too.
    """
    try:
        done = subprocess.run(list(words), input=told, capture_output=True, check=False, timeout=within, env=_environment(environment))
    except subprocess.TimeoutExpired:
        msg = f"{named(words)!r} did not end within {within:g} s; run it by hand to see where it stands"
        raise TargetError(msg) from None
    if done.returncode != 0:
        msg = f"{named(words)!r} ended with {done.returncode}:\n{last_lines(done.stdout + done.stderr)}"
        raise TargetError(msg)
    return done.stdout.decode(errors="replace")


def named(words: Sequence[str]) -> str:
    """A command as a message names it: its program and what it was to do, no more."""
    return " ".join([Path(words[0]).name, *(word for word in words[1:4] if not word.startswith("-"))])


def last_lines(said: bytes) -> str:
    """The last lines of an output, indented."""
    return "\n".join(f"  {line}" for line in said.decode(errors="replace").strip().splitlines()[-LINES:])


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, **(more or {})}
