"""Findings → files: every report is a pure function of a run directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.errors import UserError
from reports import html, junit, summary
from reports.messages import DEFAULT_LANGUAGE
from reports.run import load_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reports.run import Run


@dataclass(frozen=True, kw_only=True)
class Format:
    """A report: the name of its file, and what makes its bytes from a run and a language."""

    file: str
    render: Callable[[Run, str], bytes]


FORMATS = {
    "summary": Format(file="summary.json", render=lambda run, _: summary.render(run)),
    "junit": Format(file="junit.xml", render=lambda run, _: junit.render(run)),
    "html": Format(file="report.html", render=html.render),
}


def write_all(run_dir: str | os.PathLike[str], *, lang: str = DEFAULT_LANGUAGE) -> tuple[Path, ...]:
    """Make every report of a run again, and return their paths.

    Each file is replaced whole or not at all.  Raises UserError when the directory
    is no run, the language is unknown, or a file cannot be written.
    """
    run = load_run(run_dir)
    made = [(run.directory / kind.file, kind.render(run, lang)) for kind in FORMATS.values()]
    for path, content in made:
        _replace(path, content)
    return tuple(path for path, _ in made)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as problem:
        draft.unlink(missing_ok=True)
        msg = f"report {str(path)!r} cannot be written ({problem.strerror}); make room or give yourself the right to, then `constat report`"
        raise UserError(msg) from None
