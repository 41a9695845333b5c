"""Defects of the pooler's configuration: other databases with other logins, its console, and what a client leaves behind."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from constat import deadlines, wait
from constat.mutant import Mutant, Scope
from constat.needed import needed
from mutants.security.files import directory, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Postgres, Stack

    Change = Callable[[Postgres, str], str]

_CONFIGURATION: Final = "pgbouncer.ini"
_PASSWORDS: Final = "userlist.txt"
_ALIAS: Final = "reports"
_WHOLE: Final = ("TEN-PG-12",)


def _database(stack: Stack) -> Postgres:
    return needed(stack.postgres, "pooler to plant anything in")


def _files(stack: Stack) -> dict[str, str]:
    """The pooler's configuration and passwords, by the names of the files."""
    return {name: (directory(stack, "pooler") / name).read_text("utf-8") for name in (_CONFIGURATION, _PASSWORDS)}


def _write(stack: Stack, files: dict[str, str]) -> None:
    for name, text in files.items():
        rewrite(directory(stack, "pooler") / name, text)
    _restart(stack)


def _restart(stack: Stack) -> None:
    """End it, and wait until its supervisor has it back: a reload keeps a login that the file of passwords no longer has."""
    database = _database(stack)
    with (
        contextlib.suppress(psycopg.OperationalError),  # it hangs up instead of answering
        psycopg.connect(database.pooler_admin_dsn, autocommit=True, prepare_threshold=None) as connection,
    ):
        connection.execute("SHUTDOWN")
    wait.until(
        lambda: _enters(stack, database.database),
        what="the pooler is back",
        within=deadlines.SERVICE_ANSWERS,
        holds=bool,
    )


def _enters(stack: Stack, name: str) -> bool:
    try:
        psycopg.connect(make_conninfo(_database(stack).pooler_dsn, dbname=name, connect_timeout=3), prepare_threshold=None).close()
    except psycopg.OperationalError:
        return False
    return True


def _planted(stack: Stack, files: dict[str, str], change: Change, login: dict[str, Any]) -> None:
    known = f'"{login["user"]}" "{login["password"]}"\n'
    _write(stack, {_CONFIGURATION: change(_database(stack), files[_CONFIGURATION]), _PASSWORDS: files[_PASSWORDS] + known})


def pooling(mutant_id: str, title: str, change: Change, *, login: Callable[[Postgres], str], opens: str) -> Mutant:
    """Make a mutant of an edit of the pooler's file, which then knows the password of a login.

    `opens` is the database that the application gets into by it.
    """
    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=_WHOLE,
        prepare=lambda stack: {"files": _files(stack)},
        plant=lambda stack, state: _planted(stack, state["files"], change, conninfo_to_dict(login(_database(stack)))),
        confirm=lambda stack, _state: _enters(stack, opens),
        revert=lambda stack, state: _write(stack, state["files"]),
        fingerprint=lambda stack: f"{_enters(stack, opens)} {_files(stack)}",
    )


def resetting(mutant_id: str, title: str, setting: str, value: str) -> Mutant:
    """Make a mutant of how the pooler cleans a server connection before another client gets it."""

    def changed(text: str) -> str:
        lines = (f"{setting} = {value}" if line.startswith(f"{setting} =") else line for line in text.splitlines())
        return "\n".join(lines) + "\n"

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=_WHOLE,
        prepare=lambda stack: {"files": _files(stack)},
        plant=lambda stack, state: _write(stack, state["files"] | {_CONFIGURATION: changed(state["files"][_CONFIGURATION])}),
        confirm=lambda stack, _state: _said(stack, setting) == value,
        revert=lambda stack, state: _write(stack, state["files"]),
        fingerprint=lambda stack: f"{_said(stack, setting)} {_files(stack)}",
    )


def _said(stack: Stack, setting: str) -> str:
    """What the pooler itself takes the setting for."""
    with psycopg.connect(_database(stack).pooler_admin_dsn, autocommit=True, prepare_threshold=None) as console:
        return next((str(row[1]) for row in console.execute("SHOW CONFIG").fetchall() if row[0] == setting), "")


def _aliased(database: Postgres, text: str) -> str:
    """The database once more, by another name and with the backup's login."""
    line = next(line for line in text.splitlines() if line.startswith(f"{database.database} ="))
    other = line.replace(f"{database.database} =", f"{_ALIAS} =", 1)
    return text.replace(line, f"{line}\n{other} user={conninfo_to_dict(database.backup_dsn)['user']}", 1)


def _listed(setting: str) -> Change:
    """The application among those who may use the console."""

    def change(database: Postgres, text: str) -> str:
        user = conninfo_to_dict(database.pooler_dsn)["user"]
        if setting == "admin_users":
            return text.replace("admin_users = ", f"admin_users = {user}, ", 1)
        return text.replace("admin_users = ", f"stats_users = {user}\nadmin_users = ", 1)

    return change


def _applications(database: Postgres) -> str:
    return database.pooler_dsn


MUTANTS: Final = (
    pooling(
        "MUT-TEN-PG-110",
        "the pooler got a second name for the database, for reports, with a login that sees everybody's rows",
        _aliased,
        login=lambda database: database.backup_dsn,
        opens=_ALIAS,
    ),
    pooling(
        "MUT-TEN-PG-111",
        "the application may use the pooler's console",
        _listed("admin_users"),
        login=lambda database: database.pooler_dsn,
        opens="pgbouncer",
    ),
    pooling(
        "MUT-TEN-PG-112",
        "the application may read the pooler's statistics",
        _listed("stats_users"),
        login=lambda database: database.pooler_dsn,
        opens="pgbouncer",
    ),
    resetting(
        "MUT-TEN-PG-119",
        "the pooler no longer cleans a server connection between two clients, for speed",
        "server_reset_query_always",
        "0",
    ),
    resetting(
        "MUT-TEN-PG-120",
        "the pooler puts settings back between two clients, and nothing else that a session keeps",
        "server_reset_query",
        "RESET ALL",
    ),
)
