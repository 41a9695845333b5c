"""Write the history down as it happens: each write before it is sent, each answer when it comes."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from chaos.history import FORMAT, Event, History, Told, build
from constat.clock import monotonic, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from constat.entries import Entry

# What the file promises of itself; it stands in its first line.
DURABILITY: Final = (
    "a write is handed to the operating system before it is sent, so it outlives the harness; "
    "the file is synchronised to disk four times a second, at every mark and at the end"
)


class Recording:
    """The append-only file of a history, and the same events in memory; safe to use from many threads.

    When the file cannot be written, `problem` says so from then on: such a history vouches
    for nothing.
    """

    def __init__(self, path: Path, *, organizations: Mapping[str, str], writers: Mapping[str, str], pace: float) -> None:
        """Create the file; it must not exist.  `writers` are their names and tenants, `pace` is seconds between two writes of one."""
        self.path = path
        self.problem = ""
        self._lock = threading.Lock()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._events: list[Event] = []
        self._add(
            "begin",
            format=FORMAT,
            wall=utc_now(),
            offset=_offset(),
            organizations=dict(organizations),
            writers=dict(writers),
            pace_seconds=pace,
            durability=DURABILITY,
        )

    def invoke(self, entry: Entry) -> None:
        """Note a write that is about to be sent; raises OSError when that cannot be noted, so that it is not sent."""
        self._add("invoke", writer=entry.writer, seq=entry.seq, previous=entry.previous_hash, hash=entry.payload_hash)
        if self.problem:
            raise OSError(self.problem)

    def answer(self, entry: Entry, told: Told, **details: Any) -> None:
        """Note what was said of a write; empty details are left out."""
        self._add(told, writer=entry.writer, seq=entry.seq, **{name: value for name, value in details.items() if value})

    def mark(self, name: str) -> float:
        """Note a moment of the drill, durably; which it was, on the monotonic clock."""
        moment = self._add("mark", name=name)
        self.synchronise()
        return moment

    def stall(self, seconds: float) -> None:
        """Note that the harness did not run for that long, until now."""
        self._add("stall", seconds=round(seconds, 4))

    def synchronise(self) -> None:
        """Bring what was written to the disk."""
        try:
            os.fdatasync(self._descriptor)
        except OSError as problem:
            self.problem = f"the history cannot be brought to disk: {problem.strerror}"

    def close(self) -> None:
        """Write the last line and close the file."""
        self._add("end", offset=_offset())
        self.synchronise()
        os.close(self._descriptor)

    def so_far(self) -> History:
        """The history up to this moment."""
        with self._lock:
            events = list(self._events)
        return build(events)

    def _add(self, event: str, **fields: Any) -> float:
        with self._lock:
            moment = round(monotonic(), 6)
            line: Event = {"event": str(event), "at": moment, **fields}
            self._events.append(line)
            self._write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        return moment

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._descriptor, line)
        except OSError as problem:
            self.problem = f"the history cannot be written: {problem.strerror}"
        else:
            if written != len(line):
                self.problem = f"the history took {written} of {len(line)} bytes; is the disk full?"


def _offset() -> float:
    """How far the wall clock is ahead of the monotonic one, in seconds; it must not move during a drill."""
    return round(time.time() - monotonic(), 6)
