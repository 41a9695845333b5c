"""Artefacts: evidence that the recovery report reads, in JSON and by name; `docs/evidence.md` has their fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from constat.evidence import Evidence

if TYPE_CHECKING:
    from constat.finding import EvidenceRef, Json

TIMELINE: Final = "timeline.json"  # moments and outages of a drill
EXPOSURE: Final = "exposure.json"  # what a total loss would cost, second by second
WINDOW: Final = "window.json"  # which moments can be restored to
PITR: Final = "pitr.json"  # restores to a chosen moment, and targets that must be refused
ACCESS: Final = "access.json"  # the backup store: who may do what
RESTORED_ISOLATION: Final = "restored-isolation.json"  # tenant isolation, tried again on what was restored
RUNBOOK: Final = "runbook.json"  # steps taken by hand, and where they left the runbook
NAMES: Final = (TIMELINE, EXPOSURE, WINDOW, PITR, ACCESS, RESTORED_ISOLATION, RUNBOOK)

_MEDIA_TYPE: Final = "application/json"


def artefact(name: str, document: Json) -> Evidence:
    """The document as evidence; the same document gives the same bytes."""
    return Evidence(name=name, content=json.dumps(document, indent=1, sort_keys=True) + "\n", media_type=_MEDIA_TYPE)


def is_artefact(ref: EvidenceRef, name: str) -> bool:
    """Whether a file of evidence is an artefact of that name; its path ends with `DIGEST-NAME`."""
    return ref.path.rsplit("/", 1)[-1].partition("-")[2] == name
