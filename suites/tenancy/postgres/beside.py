"""Everything beside the tables that one tenant's SQL could use against another: each with who may do it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from constat.attempt import Admission, Answer, admission
from constat.judgement import Judgement, coverage
from constat.observe.functions import beyond_the_default
from constat.outcome import Outcome
from suites.tenancy.postgres.seeds import WRITABLE, named
from suites.tenancy.postgres.sessions import Act, Attacker, connect, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.postgres.field import Field

# 42501: no privilege. 55000/0A000: switched off on this server. 42704: there is no such thing to be had.
REFUSED: Final = frozenset({"sqlstate 42501", "sqlstate 55000", "sqlstate 0A000", "sqlstate 42704", "sqlstate 25006"})


@dataclass(frozen=True, kw_only=True)
class Door:
    """Something that only an operator may do, and the same done by one."""

    name: str
    statement: str
    accept: str = ""  # under which word a target may accept it
    alone: bool = False  # not in a transaction; whatever but "no privilege" is being let in
    authorised: str = ""  # what the oracle does instead, where the act itself would leave something behind


DOORS: Final = (
    Door(name="a file of the server, read", statement="SELECT pg_read_file('PG_VERSION')"),
    Door(name="a file of the server, in bytes", statement="SELECT pg_read_binary_file('PG_VERSION')"),
    Door(name="a directory of the server", statement="SELECT * FROM pg_ls_dir('.')"),
    Door(name="a file of the server, measured", statement="SELECT * FROM pg_stat_file('PG_VERSION')"),
    Door(name="the server's log directory", statement="SELECT * FROM pg_ls_waldir()"),
    Door(name="COPY from a file", statement="COPY {table} FROM '/nonexistent/constat'", authorised="SELECT 1", alone=True),
    Door(name="COPY from a program", statement="COPY {table} FROM PROGRAM 'true'", authorised="SELECT 1", alone=True),
    Door(name="COPY to a file", statement="COPY (SELECT 1) TO '/nonexistent/constat'", authorised="SELECT 1", alone=True),
    Door(name="COPY to a program", statement="COPY (SELECT 1) TO PROGRAM 'true'", authorised="SELECT 1", alone=True),
    Door(name="a large object from a file", statement="SELECT lo_import('/etc/hostname')", authorised="SELECT 1"),
    Door(name="a large object made", accept="large.objects", statement="SELECT lo_from_bytea(0, 'constat')"),
    Door(name="the large objects, listed", accept="large.objects", statement="SELECT oid FROM pg_largeobject_metadata"),
    Door(name="the large objects' pages", statement="SELECT loid FROM pg_largeobject"),
    Door(name="the passwords' verifiers", statement="SELECT rolname, rolpassword FROM pg_authid"),
    Door(name="the passwords' verifiers, as a view", statement="SELECT * FROM pg_shadow"),
    Door(name="who may come in from where", statement="SELECT * FROM pg_hba_file_rules"),
    Door(name="the configuration's files", statement="SELECT * FROM pg_file_settings"),
    Door(name="where the data is", statement="SHOW data_directory"),
    Door(name="the configuration, reloaded", statement="SELECT pg_reload_conf()", authorised="SELECT 1"),
    # Privileges are looked at first, so names that there are not tell who may, and nothing is left behind.
    Door(name="the configuration, changed", statement="ALTER SYSTEM RESET constat.nothing", authorised="SELECT 1", alone=True),
    Door(name="the log, rotated", statement="SELECT pg_rotate_logfile()", authorised="SELECT 1"),
    Door(name="the log of changes, switched", statement="SELECT pg_switch_wal()", authorised="SELECT 1"),
    Door(name="a restore point", statement="SELECT pg_create_restore_point('constat')", authorised="SELECT 1"),
    Door(name="a checkpoint", statement="CHECKPOINT"),
    Door(name="the statistics, reset", statement="SELECT pg_stat_reset()", authorised="SELECT 1"),
    Door(name="the statistics of what is stored", accept="planner.estimates", statement="SELECT * FROM pg_stats"),
    Door(name="the statistics' raw values", statement="SELECT * FROM pg_statistic"),
    Door(name="a replication slot", statement="SELECT pg_create_physical_replication_slot('constat', false, true)", authorised="SELECT 1"),
    Door(name="a slot that decodes changes", statement="SELECT pg_create_logical_replication_slot('c', 'pgoutput')", authorised="SELECT 1"),
    Door(name="the slots, listed", accept="sessions.visible", statement="SELECT * FROM pg_replication_slots"),
    Door(name="a publication", statement="CREATE PUBLICATION constat FOR ALL TABLES", authorised="SELECT 1"),
    Door(
        name="a subscription",
        statement="CREATE SUBSCRIPTION c CONNECTION 'host=x' PUBLICATION p WITH (connect = false)",
        authorised="SELECT 1",
    ),
    Door(name="a foreign server", statement="CREATE SERVER constat FOREIGN DATA WRAPPER nobody", authorised="SELECT 1"),
    Door(name="an event trigger", statement="CREATE EVENT TRIGGER c ON ddl_command_end EXECUTE FUNCTION f()", authorised="SELECT 1"),
    Door(name="a language", statement="CREATE LANGUAGE plperl", authorised="SELECT 1"),
    Door(name="a role", statement="CREATE ROLE constat_made", authorised="SELECT 1"),
    Door(name="a database", statement="CREATE DATABASE constat_made TEMPLATE constat_nothing", authorised="SELECT 1", alone=True),
    Door(name="a schema", statement="CREATE SCHEMA constat_made"),
    Door(name="a temporary table", accept="temporary.tables", statement="CREATE TEMPORARY TABLE constat_made ()"),
    Door(name="other sessions' statements", accept="sessions.visible", statement="SELECT query FROM pg_stat_activity"),
    Door(name="other sessions' locks", accept="locks.visible", statement="SELECT * FROM pg_locks"),
    Door(name="advisory locks", accept="locks.advisory", statement="SELECT pg_try_advisory_lock(957957)"),
    Door(name="shared advisory locks", accept="locks.advisory", statement="SELECT pg_try_advisory_xact_lock_shared(957957)"),
    Door(name="messages by function", statement="SELECT pg_notify('constat', 'x')"),
    Door(
        name="a message into the log of changes", accept="log.messages", statement="SELECT pg_logical_emit_message(false, 'constat', 'x')"
    ),
    Door(name="a snapshot for others", accept="snapshots.exported", statement="SELECT pg_export_snapshot()"),
    Door(name="how large everybody's rows are", accept="sizes.visible", statement="SELECT pg_database_size(current_database())"),
    Door(name="prepared transactions", accept="sessions.visible", statement="SELECT * FROM pg_prepared_xacts"),
)


def attacked(field: Field) -> Iterator[Judgement]:
    """Every door, the sessions of others, the other databases, and what PostgreSQL itself keeps from everybody."""
    attacker = field.actors["direct"]
    oracle = Attacker(field.oracle, field.database.context_setting, None)
    table = _writable(field)
    for door in DOORS:
        aimed = replace(door, statement=door.statement.replace("{table}", table))
        yield accepted(admission(_admission(aimed, attacker, oracle)), field, door.accept)
    yield _signals(field)
    yield from _beyond(field)
    yield coverage(len(DOORS) + 2, len(DOORS) + 2, what="things beside the tables")


def _writable(field: Field) -> str:
    """A table into which the application may insert, so that it is not the table that is refused."""
    found = next((r for r in field.reachable if r.kind in WRITABLE and "INSERT" in r.privileges), None)
    return named(found).as_string() if found else "pg_class"


def accepted(judgement: Judgement, field: Field, word: str) -> Judgement:
    """What the target accepts that arbitrary SQL reaches is no defect; the reason is the target's own."""
    if judgement.outcome is not Outcome.FAIL or word not in field.target.isolation.accepts:
        return judgement
    return Judgement(
        subject=judgement.subject,
        outcome=Outcome.PASS,
        reason=f"reached, and accepted as {word!r}: {field.target.isolation.accepts[word]}",
        expected=judgement.expected,
        observed=judgement.observed,
        positive_control=judgement.positive_control,
    )


def _admission(door: Door, attacker: Attacker, oracle: Attacker) -> Admission:
    return Admission(
        subject=door.name,
        refusals=REFUSED,
        authorised=lambda: _opened(oracle, door.authorised or door.statement),
        unauthorised=lambda: _alone(attacker, door.statement) if door.alone else _opened(attacker, door.statement),
        reproduction=f"-- as the application\n{door.statement};\n",
    )


def _opened(actor: Attacker, statement: str) -> Answer:
    """Whether it was let in at all: how much came of it does not matter."""
    *before, last = (sql.SQL(part.strip()).format() for part in statement.split(";"))
    answer = actor.act(Act(statement=last, before=tuple(before)))
    return Answer(kind="ok", shown=answer.shown) if answer.kind == "zero rows" else answer


def _alone(actor: Attacker, statement: str) -> Answer:
    try:
        actor.connection.execute(statement.encode())
    except psycopg.errors.InsufficientPrivilege as problem:
        return refused(problem, [])
    except psycopg.errors.DatabaseError as problem:
        return Answer(kind="ok", shown=str(problem))
    return Answer(kind="ok", shown="done")


def _signals(field: Field) -> Judgement:
    """Another session of the same login is what a neighbour's request is: it must be neither cancelled nor ended."""
    with connect(field.database.app_dsn) as victim:
        pid = victim.info.backend_pid
        for function in ("pg_cancel_backend", "pg_terminate_backend"):
            act = Act(statement=sql.SQL("SELECT {}({})").format(sql.Identifier(function), pid))
            answer = field.actors["direct"].act(act)
            if answer.kind not in REFUSED:
                return Judgement(
                    subject="other sessions' ends",
                    outcome=Outcome.FAIL,
                    reason=f"{function} is let through to another session of the application",
                    expected=sorted(REFUSED),
                    observed=[answer.kind],
                )
        alive = victim.execute("SELECT 1").fetchone()
    return Judgement(
        subject="other sessions' ends",
        outcome=Outcome.PASS if alive else Outcome.ERROR,
        reason="neither cancelling nor ending another session is let through",
        expected=sorted(REFUSED),
        observed=[answer.kind],
    )


def _beyond(field: Field) -> Iterator[Judgement]:
    """What a server keeps from everybody when it is made, and the application can reach all the same."""
    found = beyond_the_default(field.oracle, field.login)
    yield Judgement(
        subject="PostgreSQL's own secrets",
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason=f"the application can use what PostgreSQL grants to nobody: {', '.join(found)}"
        if found
        else "nothing beyond what everybody has",
        expected=[],
        observed=list(found),
    )


def databases(field: Field) -> Iterator[Judgement]:
    """Every database of the cluster but the application's own is closed to it, directly."""
    rows = field.oracle.execute("SELECT datname FROM pg_database WHERE datallowconn AND datname <> current_database() ORDER BY 1")
    for (name,) in rows.fetchall():
        yield _entered(field, str(name))


def _entered(field: Field, name: str) -> Judgement:
    subject = f"database {name}"
    try:
        psycopg.connect(field.database.app_dsn, dbname=name, connect_timeout=5).close()
    except psycopg.OperationalError as problem:
        said = str(problem).strip()
        refused = "permission denied for database" in said or "no pg_hba.conf entry" in said or "does not exist" in said
        outcome = Outcome.PASS if refused else Outcome.ERROR
        return Judgement(subject=subject, outcome=outcome, reason="refused" if refused else f"could not look: {said}", observed=["refused"])
    return Judgement(subject=subject, outcome=Outcome.FAIL, reason="the application is let in", expected=["refused"], observed=["ok"])
