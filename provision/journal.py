"""The journal of faults and mutants: written before each is applied, so that none outlives a crash."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.clock import utc_now

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL_FILE: Final = "journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that hurts the stack and must be undone."""

    id: str
    kind: str  # fault, mutant, tenant
    what: str  # kill, freeze, or the mutant's id
    subject: str
    opened: str
    state: dict[str, Any]


class Journal:
    """Open and closed entries of one stack, one JSON line an event."""

    def __init__(self, directory: Path) -> None:
        """Take the stack's directory."""
        self._path = directory / JOURNAL_FILE

    def open(self, kind: str, what: str, subject: str, state: dict[str, Any] | None = None) -> Entry:
        """Write down, durably, what is about to be done."""
        entry = Entry(id=uuid.uuid4().hex, kind=kind, what=what, subject=subject, opened=utc_now(), state=state or {})
        self._append({"event": "open", **asdict(entry)})
        return entry

    def close(self, entry: Entry) -> None:
        """Write down that it was undone."""
        self._append({"event": "close", "id": entry.id, "closed": utc_now()})

    def outstanding(self) -> tuple[Entry, ...]:
        """What was opened and never closed, the newest first: the order in which to undo it."""
        entries: dict[str, Entry] = {}
        for event in self._events():
            if event.pop("event") == "open":
                entries[event["id"]] = Entry(**event)
            else:
                entries.pop(event["id"], None)
        return tuple(reversed(entries.values()))

    def _events(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [event for line in self._path.read_text("utf-8").split("\n") if (event := _parsed(line))]

    def _append(self, event: dict[str, Any]) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if _ends_torn(descriptor):
                os.write(descriptor, b"\n")
            os.write(descriptor, json.dumps(event).encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _ends_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return None  # torn by a crash: such a line was never acted upon, for the act follows the line
    return event
