"""The artefacts that the controls of a run left for the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.artefact import is_artefact
from constat.errors import UserError
from constat.evidence import EVIDENCE_FOLDER
from constat.outcome import Outcome, worst
from reports.evidence import State, exhibit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.finding import EvidenceRef, Finding, Json
    from reports.run import Result, Run


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """One of them, and the finding that it belongs to.

    `outcome` is the worst of its control and of everything that it says itself: a table is
    no better than its worst line, wherever that was judged.
    """

    control: str
    subject: str
    outcome: Outcome
    path: str
    document: Json


def read(run: Run, name: str) -> tuple[Artefact, ...]:
    """Every artefact of that name, in the order of the findings; raises UserError when one is not as it was recorded."""
    return tuple(
        _artefact(run, result, finding, ref)
        for result in run.judged
        for finding in result.found
        for ref in finding.evidence
        if is_artefact(ref, name)
    )


def _artefact(run: Run, result: Result, finding: Finding, ref: EvidenceRef) -> Artefact:
    if (state := exhibit(run, ref).state) is not State.KEPT:
        msg = f"evidence {ref.path!r} is {state.value.lower()}, expected as it was recorded; a report of it would prove nothing, run again"
        raise UserError(msg)
    try:
        document = json.loads((run.directory / EVIDENCE_FOLDER / ref.path).read_bytes())
    except ValueError as problem:
        msg = f"evidence {ref.path!r} is not JSON ({problem}), expected an artefact as in docs/evidence.md; run again"
        raise UserError(msg) from None
    outcome = worst([result.outcome, *_outcomes(document)])
    return Artefact(control=finding.control, subject=finding.subject, outcome=outcome, path=ref.path, document=document)


def _outcomes(document: Json) -> Iterator[Outcome]:
    if isinstance(document, dict):
        if document.get("outcome") in set(Outcome):
            yield Outcome(document["outcome"])
        for item in document.values():
            yield from _outcomes(item)
    elif isinstance(document, list):
        for item in document:
            yield from _outcomes(item)
