"""What a run set out to prove: `plan.json`, written before the first control runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from constat.errors import UserError
from constat.finding import PLAN_FILE
from constat.outcome import Impact, Occasion, Severity

if TYPE_CHECKING:
    from pathlib import Path

STOP_FILE = "stopped.json"


@dataclass(frozen=True, kw_only=True)
class PlannedControl:
    """A control as it was when the run began."""

    id: str
    family: str
    title: str
    severity: Severity
    impact: Impact
    needs: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    remediation: str = ""
    occasion: Occasion = Occasion.ALWAYS
    selected: bool
    item: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The run's own account of what it is about to do.

    `promises` (id = the specification's words) come from the target file.  A run
    with `marks_end` leaves END_FILE behind when its last control is complete, so
    that one that was killed is known even where every control had begun.
    """

    run_id: str
    target: str
    provider: str
    environment: str
    impact: Impact
    started: AwareDatetime
    controls: tuple[PlannedControl, ...]
    command: str
    constat_version: str
    git_commit: str | None = None
    seed: int | None = None
    promises: dict[str, str] = field(default_factory=dict)
    marks_end: bool = False


def read_plan(path: Path) -> Plan:
    """Read a run's plan; raises UserError when the file is missing, torn or of another version."""
    document = _read(path)
    try:
        plan = _ADAPTER.validate_python(document)
    except ValidationError as problem:
        raise UserError(_worded(path, document, problem)) from None
    if repeated := _repeated(plan):
        msg = f"{str(path)!r} names control {repeated!r} twice, expected each once; the file was damaged, run again"
        raise UserError(msg)
    return plan


def read_end(path: Path) -> dict[str, Any]:
    """What a run left as its last act; nothing when it did not get there; raises UserError when it is damaged."""
    try:
        ended = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        msg = f"{str(path)!r} is torn or not JSON ({problem}); whether this run came to its end is unknown, run again"
        raise UserError(msg) from None
    return ended if isinstance(ended, dict) else {}


def read_stop(directory: Path) -> str:
    """Why a run ended before its first control, where that is known."""
    return str(read_end(directory / STOP_FILE).get("reason", ""))


def _read(path: Path) -> object:
    try:
        document: object = json.loads(path.read_bytes())
    except FileNotFoundError:
        msg = f"{str(path.parent)!r} is not a run: {PLAN_FILE} is missing; name a directory that `constat verify` left in out/"
        raise UserError(msg) from None
    except OSError as problem:
        msg = f"{str(path)!r} cannot be read: {problem.strerror}; expected a file that `constat verify` wrote"
        raise UserError(msg) from None
    except ValueError as problem:
        msg = f"{str(path)!r} is torn or not JSON ({problem}); what this run set out to prove is unknown, run again"
        raise UserError(msg) from None
    return document


def _worded(path: Path, document: object, problem: ValidationError) -> str:
    writer: Any = document.get("constat_version") if isinstance(document, dict) else None
    lines = [f"  - {'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}" for error in problem.errors()]
    made = f"it was written by constat {writer!r}" if writer else "it does not say which version wrote it"
    return f"{str(path)!r} is not a plan of this version ({made}); use that version, or run again:\n" + "\n".join(lines)


def _repeated(plan: Plan) -> str | None:
    names = [control.id for control in plan.controls]
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


_ADAPTER = TypeAdapter(Plan)
