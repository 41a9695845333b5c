"""Texts that are values of some type or other, and which of them the server takes for one of a type that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from psycopg import Connection

# Everything, where a type can say so, comes first.
LITERALS: Final = (
    *("(,)", "{(,)}", "!x", "0.0.0.0/0", "$", "1", "0", "x", "{}", "()", "(,,)", "(,,,)", "(0,0)", "(1,1),(0,0)", "((0,0),(1,1),(1,0))"),
    *("{1,1,1}", "[1,2,3]", "[(0,0),(1,1)]", "<(0,0),1>", "12:00", "1 day", "2026-01-01", "192.0.2.1", "02:00:00:00:00:01", "0/0", "\\x00"),
    *("<a/>", "1:1:", "simple", "POINT(0 0)", ""),
)


def as_taken(oracle: Connection[Any], text: str, shown_type: str) -> str | None:
    """What the server makes of a text as a value of the type; None where it takes it for none.  Raises OperationalError."""
    try:
        row = oracle.execute(sql.SQL("SELECT CAST({} AS {})::text").format(text, sql.SQL(shown_type))).fetchone()
    except psycopg.errors.DatabaseError as problem:
        if problem.sqlstate is None:  # it was the connection that failed
            raise
        return None
    return None if row is None else row[0]
