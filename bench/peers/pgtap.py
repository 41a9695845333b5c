"""pgTAP, unit tests in SQL: a script that is written once, from the clean catalogs, and run again and again.

rules     row level security, policies with their texts, owners, and the rights of every role on every
          relation, column, function, schema, language and database, PostgreSQL's locked ones included.
lists     nothing is there but what was there: schemas, relations, functions, triggers, indexes, columns, roles.
queries   as the application's login in a tenant's context: nobody else's row is read or written.

A script brings the extension and the rows in a transaction that is rolled back, as pgTAP's own
documentation has it, so that no other tool sees a trace of it; its seconds include that.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg

from bench.peers.tool import Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

# Queries of the clean catalogs that answer with a script's statements; `rows.sql` is the tenants' rows.
_SOURCES: Final = Path(__file__).parent
_OPENING: Final = (
    "CREATE SCHEMA tap",
    "CREATE EXTENSION pgtap WITH SCHEMA tap",
    "GRANT USAGE ON SCHEMA tap TO app",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tap TO app",
    "SET LOCAL search_path = public, tap",
    "SELECT no_plan()",
)


@dataclass(frozen=True, kw_only=True)
class Script:
    """One script of statements for one database."""

    name: str
    dsn: str
    statements: tuple[str, ...]

    def look(self) -> Look:
        """Every `not ok`; a script that stops in the middle is red too, and says where."""
        start = time.monotonic()
        with psycopg.connect(self.dsn) as connection:
            try:
                connection.execute(";\n".join(_OPENING).encode())
                said = _answers(connection, ";\n".join(self.statements).encode())
                found = frozenset(line.partition("\n")[0].partition(" - ")[2] for line in said if line.startswith("not ok"))
            except psycopg.Error as problem:
                found = frozenset({f"the script stops: {problem}"})
            finally:
                connection.rollback()
        return Look(findings=found, seconds=time.monotonic() - start)


def scripts(dsn: str, *, mine: str, theirs: str) -> tuple[Script, ...]:
    """Write the three scripts for the database as it is now; RuntimeError when pgTAP is not installed."""
    with psycopg.connect(dsn) as connection:
        if not connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'pgtap'").fetchone():
            msg = "pgTAP is not installed; run `apt-get install postgresql-15-pgtap`"
            raise RuntimeError(msg)
        connection.execute("SELECT set_config('peers.mine', %s, true), set_config('peers.theirs', %s, true)", [mine, theirs])
        connection.execute(_source("clean"))
        rows = _source("rows").decode().rstrip().removesuffix(";")
        written = {name: tuple(_answers(connection, _source(name))) for name in ("rules", "lists", "queries")}
        connection.rollback()
    return (
        Script(name="pgTAP rules", dsn=dsn, statements=written["rules"]),
        Script(name="pgTAP lists", dsn=dsn, statements=written["lists"]),
        Script(name="pgTAP queries", dsn=dsn, statements=(rows, *written["queries"])),
    )


def version(dsn: str) -> str:
    """The version that would be installed."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'pgtap'").fetchone()
    return f"pgTAP {row[0]}" if row else "pgTAP, not installed"


def _source(name: str) -> bytes:
    return (_SOURCES / f"{name}.sql").read_bytes()


def _answers(connection: Connection[Any], statements: bytes) -> Iterator[str]:
    """Run several statements as one script, as a client of the command line does; the first column of whatever they answer."""
    cursor = connection.execute(statements)
    while True:
        if cursor.description:
            yield from (str(row[0]) for row in cursor)
        if not cursor.nextset():
            return
