"""Which files a cluster's relations are in, and since when: what a copy of the cluster must hold."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from constat import deadlines
from constat.errors import Unobservable
from constat.observe import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Postgres

_DATABASES: Final = "SELECT oid::text, datname, datallowconn, xmin::text::bigint FROM pg_database"
# Those of a mapped catalog are left out: nothing tells since when they are in the file that they are in.
_RELATIONS: Final = """
SELECT oid::regclass::text, pg_relation_filepath(oid), xmin::text::bigint FROM pg_class
WHERE relkind IN ('r', 'i', 't', 'm', 'S') AND relpersistence = 'p' AND relfilenode <> 0 AND NOT relisshared"""
# PostgreSQL 12 to 18: where the last checkpoint begins to replay, and the next transaction's number.
_CONTROL: Final = struct.Struct("<8xI28xQ16xQ")
_CONTROL_VERSIONS: Final = range(1201, 1900)
_HALF: Final = 1 << 31


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that must be there, whose it is, and the transaction since which it is."""

    what: str
    path: str  # relative to the data directory
    since: int  # 32 bits


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a recovery begins, and which transaction was the next one then."""

    redo: int
    next_transaction: int

    def is_after(self, since: int) -> bool:
        """Whether a transaction had begun by then; numbers go in a circle."""
        return 0 < (self.next_transaction - since) % (2 * _HALF) < _HALF


def files(postgres: Postgres) -> tuple[Stored, ...]:
    """The first file of every relation that is logged, and what makes a database one; Unobservable when the primary does not answer."""
    try:
        with psycopg.connect(_bounded(postgres)) as operator, limits.broken_off(operator):
            databases = operator.execute(_DATABASES).fetchall()
        return tuple(found for database in databases for found in _of_database(postgres, *database))
    except psycopg.Error as problem:
        msg = f"the primary does not say which files its relations are in: {str(problem).strip()}"
        raise Unobservable(msg) from None


def checkpoint(control: bytes) -> Checkpoint:
    """Read a control file; a pure function.  Unobservable where it is of a version that is not known."""
    version, redo, following = _CONTROL.unpack_from(control) if len(control) >= _CONTROL.size else (0, 0, 0)
    if version not in _CONTROL_VERSIONS:
        msg = f"pg_control is of version {version}, expected one of PostgreSQL 12 to 18"
        raise Unobservable(msg)
    return Checkpoint(redo=redo, next_transaction=following)


def _of_database(postgres: Postgres, oid: str, name: str, is_open: Any, since: int) -> Iterator[Stored]:
    for file in ("PG_VERSION", "pg_filenode.map"):
        yield Stored(what=f"database {name}", path=f"base/{oid}/{file}", since=since)
    if is_open:
        with psycopg.connect(make_conninfo(_bounded(postgres), dbname=name)) as operator, limits.broken_off(operator):
            for relation, path, born in operator.execute(_RELATIONS).fetchall():
                yield Stored(what=f"{name}: {relation}", path=path, since=born)


def _bounded(postgres: Postgres) -> str:
    return make_conninfo(postgres.admin_dsn, connect_timeout=int(deadlines.PROBE_CONNECT))
