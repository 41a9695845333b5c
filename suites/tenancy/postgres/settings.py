"""Whose context it is when nobody has said so: on new connections, and on those that another tenant has used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.postgres.sessions import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.postgres.field import Field

_STORED: Final = """
SELECT coalesce(d.datname, '(every database)') || ' / ' || coalesce(r.rolname, '(everybody)') FROM pg_db_role_setting s
LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) AS setting
WHERE setting LIKE %s ORDER BY 1
"""
_SET: Final = "SELECT set_config('{setting}', '{theirs}', true)"
# How a request of the victim's may have ended on the connection that the next one gets.
ENDINGS: Final = {
    "a commit": ("BEGIN", _SET, "COMMIT"),
    "a rollback": ("BEGIN", _SET, "ROLLBACK"),
    "an error": ("BEGIN", _SET, "SELECT 1 / 0", "ROLLBACK"),
    "a savepoint": ("BEGIN", "SAVEPOINT a", _SET, "RELEASE a", "COMMIT"),
    "a savepoint that was rolled back": ("BEGIN", "SAVEPOINT a", _SET, "ROLLBACK TO a", "COMMIT"),
    "a timeout": ("BEGIN", _SET, "SET LOCAL statement_timeout = 10", "SELECT count(*) FROM generate_series(1, 100000000)", "ROLLBACK"),
    "no transaction": (_SET,),
}


def attacked(field: Field) -> Iterator[Judgement]:
    """Defaults first, then every way in which a request can end."""
    stored = [str(where) for (where,) in field.oracle.execute(_STORED, [f"{field.database.context_setting}=%"]).fetchall()]
    yield Judgement(
        subject="stored defaults",
        outcome=Outcome.FAIL if stored else Outcome.PASS,
        reason=f"no context means some tenant's, by a stored default: {', '.join(stored)}"
        if stored
        else "no default gives anybody a context",
        expected=[],
        observed=stored,
    )
    for path, dsn in (("direct", field.database.app_dsn), ("pooler", field.database.pooler_dsn), ("replica", field.database.replica_dsn)):
        with connect(dsn) as connection:
            yield _unset(f"a new connection ({path})", field, connection)
    for path, dsn in (("direct", field.database.app_dsn), ("pooler", field.database.pooler_dsn)):
        for word, ending in ENDINGS.items():
            with connect(dsn) as connection:
                _serve(field, connection, ending)
                yield _unset(f"after {word} ({path})", field, connection)


def _serve(field: Field, connection: psycopg.Connection[tuple[str]], ending: tuple[str, ...]) -> None:
    """Be the victim's request that ends so; its own errors are what is wanted."""
    for statement in ending:
        text = statement.format(setting=field.database.context_setting, theirs=field.theirs)
        try:
            connection.execute(text.encode())
        except (psycopg.errors.DivisionByZero, psycopg.errors.QueryCanceled):
            continue


def _unset(subject: str, field: Field, connection: psycopg.Connection[tuple[str]]) -> Judgement:
    row = connection.execute("SELECT coalesce(current_setting(%s, true), '')", [field.database.context_setting]).fetchone()
    found = str(row[0]) if row else ""
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason="the context is already a tenant's" if found else "there is no context until a request sets one",
        expected="",
        observed=found,
    )
