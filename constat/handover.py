"""Make the primary hand a segment over, and see whether it really gets there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable
from constat.observe import limits

if TYPE_CHECKING:
    from constat.observe.archive import Repository
    from constat.stack import Postgres


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Whether a segment that was handed over is in the store."""

    segment: str
    is_there: bool
    reason: str


def switch(postgres: Postgres) -> str:
    """End the segment that the primary writes; its name.  Raises Unobservable when the primary does not do it."""
    bounded = make_conninfo(postgres.admin_dsn, connect_timeout=int(deadlines.PROBE_CONNECT))
    try:
        with psycopg.connect(bounded, autocommit=True, prepare_threshold=None) as operator, limits.broken_off(operator):
            operator.execute("SELECT pg_current_xact_id()")  # an empty segment would not be switched, and nobody would miss it
            row = operator.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    except psycopg.Error as problem:
        msg = f"the primary does not switch to another segment: {problem}"
        raise Unobservable(msg) from None
    return str(row[0]) if row else ""


def arrived(repository: Repository, segment: str, *, within: float = deadlines.WAL_ARCHIVED) -> Arrival:
    """Wait until the store lists the segment; that it does not is an answer, that it cannot be asked is Unobservable."""
    try:
        wait.until(
            lambda: {found.place.name for found in repository.segments()},
            what=f"segment {segment} is in the store",
            within=within,
            every=0.25,
            holds=lambda names: segment in names,
        )
    except NotReady:
        return Arrival(segment=segment, is_there=False, reason=f"segment {segment} is not in the store after {within:g} s")
    return Arrival(segment=segment, is_there=True, reason=f"segment {segment} is in the store")
