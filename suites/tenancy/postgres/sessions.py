"""The attacker's and the oracle's ways into the database.

The attacker logs in with the application's own login by the application's own path; every
act is a transaction of its own, in the context of one tenant, as a service would have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from constat.attempt import Answer
from constat.errors import Unobservable

if TYPE_CHECKING:
    from psycopg import Connection, Cursor
    from psycopg.sql import Composed

Row = tuple[Any, ...]
SHOWN_ROWS = 200
LIMITS = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '15s'"


def connect(dsn: str) -> Connection[Row]:
    """Log in; raises Unobservable when that is not possible.  Nothing is prepared: the pooler shares servers."""
    try:
        return psycopg.connect(dsn, autocommit=True, prepare_threshold=None, connect_timeout=5)
    except psycopg.OperationalError as problem:
        msg = f"cannot log in: {problem}"
        raise Unobservable(msg) from None


class Attacker:
    """The application's login, acting for one tenant."""

    def __init__(self, connection: Connection[Row], setting: str, organization_id: str | None) -> None:
        """Take the tenant whose context is set; None for no context at all."""
        self._connection = connection
        self._setting = setting
        self._organization_id = organization_id

    def act(self, statement: Composed, *, keep: bool = True, before: tuple[Composed, ...] = (), own_rows: int | None = None) -> Answer:
        """Carry one statement out in a transaction of its own, and say everything that came back.

        With `own_rows` more rows than these cannot be the actor's, so reaching them is
        reaching another tenant's.  Raises Unobservable when the connection itself fails.
        """
        notices: list[str] = []
        self._connection.add_notice_handler(lambda notice: notices.append(f"{notice.severity}: {notice.message_primary}"))
        try:
            with self._connection.transaction(force_rollback=not keep), self._connection.cursor() as cursor:
                self._enter(cursor)
                for earlier in before:
                    cursor.execute(earlier)
                cursor.execute(statement)
                return _answer(cursor, notices, own_rows)
        except psycopg.errors.DatabaseError as problem:
            return _refused(problem, notices)
        finally:
            self._connection._notice_handlers.clear()  # noqa: SLF001 - psycopg has no way to remove all

    def copy(self, query: Composed) -> Answer:
        """Read a whole relation by COPY, however large, keeping only what stands out to `Answer.shows`."""
        try:
            with self._connection.transaction(force_rollback=True), self._connection.cursor() as cursor:
                self._enter(cursor)
                with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(query)) as stream:
                    return Answer(kind="ok", shown="".join(bytes(block).decode(errors="replace") for block in stream))
        except psycopg.errors.DatabaseError as problem:
            return _refused(problem, [])

    def _enter(self, cursor: Cursor[Row]) -> None:
        cursor.execute(LIMITS)
        if self._organization_id is not None:
            cursor.execute("SELECT set_config(%s, %s, true)", [self._setting, self._organization_id])


def _answer(cursor: Cursor[Row], notices: list[str], own_rows: int | None) -> Answer:
    if cursor.description is not None:
        rows = cursor.fetchmany(SHOWN_ROWS)
        reached = own_rows is not None and cursor.rowcount > own_rows
        return Answer(kind="ok" if rows else "zero rows", shown="\n".join([*map(repr, rows), *notices]), reached=reached)
    if own_rows is not None and cursor.rowcount:
        reached = cursor.rowcount > own_rows
        return Answer(kind="own rows only", shown=f"{cursor.rowcount} rows affected, {own_rows} are the tenant's own", reached=reached)
    return Answer(kind="ok" if cursor.rowcount else "zero rows", shown="\n".join([f"{cursor.rowcount} rows affected", *notices]))


def _refused(problem: psycopg.Error, notices: list[str]) -> Answer:
    if problem.sqlstate is None:
        msg = f"the connection failed: {problem}"
        raise Unobservable(msg) from None
    diag = problem.diag
    said = [
        str(part) for part in (diag.message_primary, diag.message_detail, diag.message_hint, diag.context, diag.constraint_name) if part
    ]
    return Answer(kind=f"sqlstate {problem.sqlstate}", shown="\n".join([*said, *notices]))
