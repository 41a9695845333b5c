"""Evidence: what was seen, as a file that a finding refers to by its content."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.finding import EvidenceRef

if TYPE_CHECKING:
    from pathlib import Path

    from constat.redact import Redactor

EVIDENCE_FOLDER: Final = "evidence"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Something seen, before it is stored; text only, because bytes cannot be redacted."""

    name: str
    content: str
    media_type: str = "text/plain"


def store(evidence: Evidence, *, run_dir: Path, control: str, redactor: Redactor) -> EvidenceRef:
    """Write it, redacted, below the run's evidence folder; the same content is one file."""
    content = redactor.text(evidence.content).encode()
    digest = hashlib.sha256(content).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", redactor.text(evidence.name)).strip("-.") or "evidence"
    path = run_dir / EVIDENCE_FOLDER / control / f"{digest[:12]}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    relative = str(path.relative_to(run_dir / EVIDENCE_FOLDER))
    return EvidenceRef(path=relative, sha256=digest, media_type=evidence.media_type)
