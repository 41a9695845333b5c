"""Whether the evidence folder still holds what the findings say it does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import quote

from constat.evidence import EVIDENCE_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from constat.finding import EvidenceRef
    from reports.run import Run


class State(StrEnum):
    """What became of a file that a finding refers to."""

    KEPT = "KEPT"
    MISSING = "MISSING"
    ALTERED = "ALTERED"
    OUTSIDE = "OUTSIDE"


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A file of evidence; `link` is relative to the run directory, empty when it may not be followed."""

    path: str
    sha256: str
    media_type: str
    state: State
    link: str


def exhibit(run: Run, ref: EvidenceRef) -> Exhibit:
    """Look at the file that a finding refers to; OSError when it is there and cannot be read."""
    folder = run.directory / EVIDENCE_FOLDER
    state = _state(folder, ref)
    link = "" if state in {State.OUTSIDE, State.MISSING} else f"{EVIDENCE_FOLDER}/{quote(ref.path)}"
    return Exhibit(path=ref.path, sha256=ref.sha256, media_type=ref.media_type, state=state, link=link)


def text_of(run: Run, ref: EvidenceRef) -> str:
    """What a file of evidence says; nothing when it is not the one that the finding refers to."""
    kept = exhibit(run, ref)
    return (run.directory / EVIDENCE_FOLDER / ref.path).read_text("utf-8", "replace") if kept.state is State.KEPT else ""


def exhibits(run: Run) -> tuple[Exhibit, ...]:
    """Every file that the run's findings refer to, each once, by path."""
    refs = {(ref.path, ref.sha256): ref for result in run.results for finding in result.found for ref in finding.evidence}
    return tuple(exhibit(run, refs[key]) for key in sorted(refs))


def _state(folder: Path, ref: EvidenceRef) -> State:
    if not _is_inside(folder, ref.path):
        return State.OUTSIDE
    file = folder / ref.path
    if not file.is_file():
        return State.MISSING
    return State.KEPT if _sha256(file) == ref.sha256.lower() else State.ALTERED


def _is_inside(folder: Path, path: str) -> bool:
    # A NUL makes the file system's calls raise; no file of ours has one in its name.
    return "\0" not in path and folder.resolve() in (folder / path).resolve().parents


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
