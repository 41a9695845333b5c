"""Entries of a ledger: rows that prove their own content, written and read by the application's path."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import psycopg
from psycopg import sql

from constat import deadlines
from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Postgres

TABLE: Final = "activities"
FIRST: Final = ""  # what the first entry of a writer follows

# How the path says that it is closed.
REFUSED: Final = (psycopg.OperationalError,)

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row: who wrote it, in which place of that writer's chain, and the digest over all of it."""

    organization_id: str
    writer: str
    seq: int
    previous_hash: str
    payload: str
    payload_hash: str

    @property
    def key(self) -> tuple[str, int]:
        """What no two entries share."""
        return self.writer, self.seq

    @property
    def is_whole(self) -> bool:
        """Whether the digest is the one of the content."""
        return self.payload_hash == _digest(self.organization_id, self.writer, self.seq, self.previous_hash, self.payload)


def seal(organization_id: str, *, writer: str, seq: int, previous_hash: str) -> Entry:
    """Make the writer's entry of that number; its payload follows from its place, so it need not be kept elsewhere."""
    payload = f"{writer}/{seq}"
    return Entry(
        organization_id=organization_id,
        writer=writer,
        seq=seq,
        previous_hash=previous_hash,
        payload=payload,
        payload_hash=_digest(organization_id, writer, seq, previous_hash, payload),
    )


def connect(dsn: str) -> Connection:
    """Open the application's own path; raises psycopg.OperationalError when it is closed."""
    return psycopg.connect(dsn, autocommit=True, prepare_threshold=None, connect_timeout=int(deadlines.PROBE_CONNECT))


@contextlib.contextmanager
def context(connection: Connection, postgres: Postgres, organization_id: str) -> Iterator[None]:
    """Work in one transaction in a tenant's context, as a service does after it has verified a token."""
    with connection.transaction():
        enter(connection, postgres, organization_id)
        yield


def enter(connection: Connection, postgres: Postgres, organization_id: str) -> None:
    """Set the tenant's context for the transaction that is open."""
    connection.execute(
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(*postgres.context_setting.split(".")), sql.Literal(organization_id))
    )


def insert(connection: Connection, entry: Entry) -> int | None:
    """Write the entry in the transaction that is open; the port of the server that did it."""
    statement = (
        f"INSERT INTO {TABLE} (organization_id, writer, seq, previous_hash, payload_hash, payload)"  # noqa: S608 - a constant
        " VALUES (%s, %s, %s, %s, %s, %s) RETURNING inet_server_port()"
    )
    row = connection.execute(
        statement, (entry.organization_id, entry.writer, entry.seq, entry.previous_hash, entry.payload_hash, entry.payload)
    ).fetchone()
    return int(str(row[0])) if row and row[0] is not None else None


def append(connection: Connection, postgres: Postgres, entry: Entry) -> None:
    """Write the entry in a transaction of its own; when it returns, the write was acknowledged."""
    with context(connection, postgres, entry.organization_id):
        insert(connection, entry)


def read(connection: Connection, postgres: Postgres, organization_id: str, *, prefix: str) -> tuple[Entry, ...]:
    """Every entry of the tenant whose writer begins with the prefix, by a scan of the table and of no index.

    Raises Unobservable when the rows cannot be read.
    """
    columns = "organization_id::text, writer, seq, previous_hash, payload, payload_hash"
    statement = f"SELECT {columns} FROM {TABLE} WHERE starts_with(writer, %s) ORDER BY writer, seq"  # noqa: S608 - constants
    try:
        with context(connection, postgres, organization_id):
            connection.execute("SET LOCAL enable_indexscan = off")
            connection.execute("SET LOCAL enable_indexonlyscan = off")
            connection.execute("SET LOCAL enable_bitmapscan = off")
            rows = connection.execute(statement, (prefix,)).fetchall()
    except psycopg.Error as problem:
        msg = f"the ledger's rows cannot be read in the context of {organization_id}: {problem}"
        raise Unobservable(msg) from None
    return tuple(_entry(row) for row in rows)


def remove(operator: Connection, *, prefix: str) -> int:
    """Delete the entries of writers that begin with the prefix, of every tenant; how many there were.

    The application may only add to the table, so this takes an operator's connection.
    """
    return operator.execute(f"DELETE FROM {TABLE} WHERE starts_with(writer, %s)", (prefix,)).rowcount  # noqa: S608 - a constant


def _entry(row: tuple[object, ...]) -> Entry:
    organization_id, writer, seq, previous_hash, payload, payload_hash = map(str, row)
    return Entry(
        organization_id=organization_id,
        writer=writer,
        seq=int(seq),
        previous_hash=previous_hash,
        payload=payload,
        payload_hash=payload_hash,
    )


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
