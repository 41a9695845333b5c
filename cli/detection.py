"""Plant a mutant or a harmless change, see what the controls say of it, and take it away again."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cli.catalogue import files
from cli.session import run_controls_apart
from constat import deadlines, wait
from constat.clock import monotonic
from constat.errors import ConstatError, NotReady
from constat.finding import FINDINGS_FILE, read_findings
from constat.outcome import Outcome, worst
from provision.home import stack_directory
from provision.journal import Journal
from provision.transport import TRANSIENT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from constat.mutant import Mutant
    from constat.stack import Stack


# What planting may meet on a platform; anything else is our own fault and is shown as such.
EXPECTED: Final[tuple[type[Exception], ...]] = (ConstatError, *TRANSIENT)


class Detected(StrEnum):
    """How a mutant ended."""

    KILLED = "killed"
    SURVIVED = "survived"
    TOLERATED = "tolerated"  # a harmless change that raised no alarm
    FALSE_ALARM = "false_alarm"  # one that did
    NOT_PLANTED = "not_planted"
    NOT_REVERTED = "not_reverted"


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What the suite said of one mutant."""

    id: str
    outcome: Detected
    by: tuple[str, ...]
    seconds: float
    said: dict[str, str]  # control → outcome
    detail: str = ""


def clean_run(name: str, directory: Path, controls: Iterable[str]) -> dict[str, Outcome]:
    """Run the controls on the stack as it is; each one's outcome."""
    chosen = sorted(set(controls))
    directory.mkdir(parents=True)
    run_controls_apart(name, directory, controls=chosen, paths=sorted({files()[control] for control in chosen}))
    findings = read_findings(directory / FINDINGS_FILE)
    return {control: worst(f.outcome for f in findings if f.control == control) for control in chosen}


def detect(mutant: Mutant, stack: Stack, directory: Path) -> Detection:
    """Plant, confirm, look, revert, prove the revert; the journal knows before anything is changed."""
    start = monotonic()
    outcome, said, detail = _planted(mutant, stack, directory)
    by = noticed(mutant, said)
    if outcome is None:
        outcome = ended(mutant, by)
    return Detection(
        id=mutant.id,
        outcome=outcome,
        by=by,
        seconds=round(monotonic() - start, 1),
        said={k: str(v) for k, v in said.items()},
        detail=detail,
    )


def noticed(mutant: Mutant, said: dict[str, Outcome]) -> tuple[str, ...]:
    """The controls that noticed a defect as they should, or that raised an alarm about a harmless change."""
    if mutant.is_harmless:
        return tuple(control for control, seen in said.items() if not seen.is_settled)
    return tuple(control for control, seen in said.items() if seen == mutant.expects)


def ended(mutant: Mutant, by: tuple[str, ...]) -> Detected:
    """How a mutant that was planted and taken away ended, by who noticed it."""
    if mutant.is_harmless:
        return Detected.FALSE_ALARM if by else Detected.TOLERATED
    return Detected.KILLED if by else Detected.SURVIVED


def _planted(mutant: Mutant, stack: Stack, directory: Path) -> tuple[Detected | None, dict[str, Outcome], str]:
    journal = Journal(stack_directory(stack.name))
    try:
        state, before = mutant.prepare(stack), mutant.fingerprint(stack)
    except EXPECTED as problem:
        return Detected.NOT_PLANTED, {}, f"{type(problem).__name__}: {problem}"
    entry = journal.open("mutant", mutant.id, mutant.scope, state)
    said: dict[str, Outcome] = {}
    outcome, detail = None, ""
    try:
        mutant.plant(stack, state)
        wait.until(
            lambda: mutant.confirm(stack, state),
            what=f"mutant {mutant.id} is there",
            within=deadlines.MUTANT_PLANTED,
            retry=EXPECTED,
            holds=bool,
        )
        said = clean_run(stack.name, directory, mutant.controls)
    except EXPECTED as problem:
        outcome, detail = Detected.NOT_PLANTED, f"{type(problem).__name__}: {problem}"
    finally:
        mutant.revert(stack, state)
    try:
        wait.until(
            lambda: _difference(before, mutant.fingerprint(stack)),
            what=f"mutant {mutant.id} is gone without a trace",
            within=deadlines.STACK_HEALED,
            retry=EXPECTED,
            every=0.5,
            holds=lambda difference: not difference,
        )
    except NotReady as problem:
        return Detected.NOT_REVERTED, said, str(problem)
    journal.close(entry)
    return outcome, said, detail


def _difference(before: str, after: str) -> list[str]:
    """The lines in which two fingerprints differ, a few of them."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))][:8]
