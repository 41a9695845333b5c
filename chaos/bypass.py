"""Clients that write to one server past everything that would lead them elsewhere: what it acknowledges must be there in the end."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from constat import deadlines, entries, wait
from constat.clock import monotonic
from constat.errors import NotReady, Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constat.entries import Connection, Entry
    from constat.stack import Postgres

CLIENTS: Final = 3
PACE: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server said to a write; `acknowledged` or why not."""

    entry: Entry
    at: float
    acknowledged: bool
    reason: str = ""


class Client(threading.Thread):
    """Writes to one server for as long as it may, and waits for an answer for ever, as a driver does."""

    def __init__(self, postgres: Postgres, node: str, *, organization: str, name: str) -> None:
        """Take the server and for whom it writes."""
        super().__init__(name=f"client {name}", daemon=True)
        server = next(server for server in postgres.nodes if server.name == node)
        fields = {**conninfo_to_dict(postgres.app_dsn), "host": server.host, "port": server.port, "connect_timeout": 2}
        self._dsn = make_conninfo("", **{key: str(value) for key, value in fields.items()})
        self._postgres, self._organization, self._writer = postgres, organization, name
        self._stopped = threading.Event()
        self._connection: Connection | None = None
        self.answers: list[Answer] = []
        self.problem = ""

    def run(self) -> None:
        """Write one after the other."""
        seq, previous = 0, entries.FIRST
        try:
            while not self._stopped.wait(PACE):
                entry = entries.seal(self._organization, writer=self._writer, seq=seq, previous_hash=previous)
                answer = self._write(entry)
                self.answers.append(answer)
                previous = entry.payload_hash if answer.acknowledged else previous
                seq += 1
        except Exception as problem:  # noqa: BLE001 - a client that dies makes the instrument untrustworthy; the drill says so
            self.problem = f"{type(problem).__name__}: {problem}"
        finally:
            self._hang_up()

    def stop(self) -> None:
        """Ask it to end, also when no answer comes."""
        self._stopped.set()
        connection = self._connection
        if connection is not None and not connection.closed:
            with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as own:
                own.shutdown(socket.SHUT_RDWR)

    def _write(self, entry: Entry) -> Answer:
        try:
            if self._connection is None:
                self._connection = entries.connect(self._dsn)
            entries.append(self._connection, self._postgres, entry)
        except (psycopg.Error, Unobservable) as problem:
            self._hang_up()
            return Answer(entry=entry, at=monotonic(), acknowledged=False, reason=str(problem).split("\n")[0])
        return Answer(entry=entry, at=monotonic(), acknowledged=True)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextlib.contextmanager
def clients(postgres: Postgres, node: str, *, organization: str, prefix: str) -> Iterator[tuple[Client, ...]]:
    """Let them write while the block runs."""
    found = tuple(Client(postgres, node, organization=organization, name=f"{prefix}-{number}") for number in range(CLIENTS))
    for client in found:
        client.start()
    try:
        yield found
    finally:
        for client in found:
            client.stop()
        for client in found:
            client.join()


def await_first(found: Sequence[Client]) -> None:
    """Wait until each has had an acknowledgement; raises Unobservable when that way leads nowhere."""
    try:
        wait.until(
            lambda: [answer for client in found for answer in client.answers[-1:]],
            what="the server acknowledges writes past every proxy",
            within=deadlines.LEDGER_WARM,
            holds=lambda last: len(last) == len(found) and all(answer.acknowledged for answer in last),
        )
    except NotReady as problem:
        raise Unobservable(str(problem)) from None


def judge(answers: Iterable[Answer], there: Iterable[Entry], *, struck: float, woken: float) -> Judgement:
    """FAIL when the server acknowledged what is not there in the end; a pure function.

    `struck` is when it was hit and `woken` when it was let go, on the clock of the answers.
    """
    known, answered = {entry.key for entry in there}, list(answers)
    lost = sorted(answer.entry.key for answer in answered if answer.acknowledged and answer.entry.key not in known)
    before = sum(answer.acknowledged and answer.at < struck for answer in answered)
    after = [answer for answer in answered if answer.at > woken]
    says = f"{len(after)} answers since it woke up, {sum(answer.acknowledged for answer in after)} of them acknowledgements"
    outcome = Outcome.FAIL if lost else Outcome.PASS if before and after else Outcome.ERROR
    reason = f"{len(lost)} writes that it acknowledged are not there: {lost[:3]}" if lost else f"{says}; nothing that it said is untrue"
    return Judgement(
        subject="the old primary",
        outcome=outcome,
        reason=reason if before and after else f"nothing can be said: {before} acknowledgements before the fault; {says}",
        expected=0,
        observed=len(lost),
        positive_control=f"{before} acknowledgements by the same way before the fault",
    )
