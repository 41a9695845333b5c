"""Paced writers: each tenant's services, writing by the application's own path on a fixed schedule."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from chaos.history import Told
from constat import entries
from constat.clock import monotonic

if TYPE_CHECKING:
    from chaos.recording import Recording
    from constat.entries import Connection, Entry
    from constat.stack import Postgres

# A write without an answer for this long is given up: nothing is known of it.
PATIENCE: Final = 5.0
# The only warning that COMMIT gives: it did not wait for its standby.  The client sees success, so it counts as acknowledged.
GAVE_UP_WAITING: Final = "01000"
# Errors of COMMIT that say for sure that nothing was written: rolled back, constraint violated.
_REFUSED: Final = ("40", "23")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Who a writer is: its name, for which tenant it writes, and when its first write is due."""

    name: str
    organization_id: str
    phase: float  # seconds after the start


class Writer(threading.Thread):
    """Writes one entry every `pace` seconds until it is told to stop.

    Open loop: the schedule does not wait for the platform.  A turn that comes while the
    last write is still under way is skipped, and a write of unknown fate is never tried
    again under the same number.
    """

    def __init__(self, place: Place, *, postgres: Postgres, recording: Recording, pace: float) -> None:
        """Take what it writes to and where that is noted."""
        super().__init__(name=f"writer {place.name}", daemon=True)
        self._place, self._postgres, self._recording, self._pace = place, postgres, recording, pace
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self._since: float | None = None  # when the write that is under way began
        self._committing = self._unreplicated = False
        self.problem = ""

    def run(self) -> None:
        """Write at every turn."""
        start, seq, previous = monotonic() + self._place.phase, 0, entries.FIRST
        try:
            while not self._stopped.wait(max(0.0, start - monotonic())):
                entry = entries.seal(self._place.organization_id, writer=self._place.name, seq=seq, previous_hash=previous)
                if self._write(entry) is Told.OK:
                    previous = entry.payload_hash
                seq += 1
                start += self._pace * max(1, -(-(monotonic() - start) // self._pace))
        except Exception as problem:  # noqa: BLE001 - a writer that dies makes the instrument untrustworthy; the drill says so
            self.problem = f"{type(problem).__name__}: {problem}"
        finally:
            self._disconnect()

    def stop(self) -> None:
        """Ask it to end after the write that is under way."""
        self._stopped.set()

    def give_up(self) -> None:
        """Cut the connection of a write that has waited too long; called by another thread."""
        connection, since = self._connection, self._since
        if connection is None or since is None or monotonic() - since < PATIENCE:
            return
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)

    def _write(self, entry: Entry) -> Told:
        self._recording.invoke(entry)
        self._since, self._committing, self._unreplicated = monotonic(), False, False
        try:
            server = self._send(connection := self._connected(), entry)
        except psycopg.Error as problem:
            # COMMIT was never sent, so nothing can have been written.
            return self._answered(entry, Told.FAIL, problem)
        self._committing = True
        try:
            if connection.execute("COMMIT").statusmessage != "COMMIT":
                return self._answered(entry, Told.FAIL)
        except psycopg.Error as problem:
            return self._answered(entry, Told.FAIL if (problem.sqlstate or "").startswith(_REFUSED) else Told.UNKNOWN, problem)
        self._since = None
        self._recording.answer(entry, Told.OK, server=server, unreplicated=self._unreplicated)
        return Told.OK

    def _send(self, connection: Connection, entry: Entry) -> int | None:
        connection.execute("BEGIN")
        entries.enter(connection, self._postgres, entry.organization_id)
        return entries.insert(connection, entry)

    def _answered(self, entry: Entry, told: Told, problem: psycopg.Error | None = None) -> Told:
        self._since = None
        reason = f"{problem.sqlstate or type(problem).__name__} {problem}".split("\n")[0] if problem else "rolled back"
        self._recording.answer(entry, told, reason=reason)
        self._disconnect()
        return told

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = entries.connect(self._postgres.pooler_dsn)
            self._connection.add_notice_handler(self._noticed)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _noticed(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if self._committing and diagnostic.sqlstate == GAVE_UP_WAITING:
            self._unreplicated = True
