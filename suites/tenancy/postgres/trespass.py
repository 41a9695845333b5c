"""Call what a login may call, and see from both sides what it shows and what it did; nothing is kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat.attempt import Answer
from constat.errors import Unobservable
from suites.tenancy.postgres.seeds import named
from suites.tenancy.postgres.sessions import entering, refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection
    from psycopg.sql import Composed

    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.seeds import Seed

SHOWN: Final = 300
_BEFORE: Final = "constat_before"
_LIMITS: Final = {"lock_timeout": "2s", "statement_timeout": "10s"}
# Locks that a statement takes only when it writes to a relation.
_WRITTEN: Final = """
SELECT relation::bigint FROM pg_locks WHERE pid = %s AND locktype = 'relation' AND granted AND database = (
    SELECT oid FROM pg_database WHERE datname = current_database()) AND mode IN
    ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""


@dataclass(frozen=True)
class Trespass:
    """What came of an act: its answer, and in which relations it changed, added or locked up rows of the victim."""

    answer: Answer
    hurt: tuple[str, ...]


class Trespasser:
    """The application's login on a connection of its own, whose open transaction the oracle can look into."""

    def __init__(self, field: Field, connection: Connection[Any]) -> None:
        """Take the field, and a connection that no other attacker uses."""
        self._field = field
        self._connection = connection
        self._victims = {seed.relation.oid: seed for seed in field.victims()}
        self._notices: list[str] = []
        connection.add_notice_handler(lambda notice: self._notices.append(str(notice.message_primary)))
        self._pid = connection.info.backend_pid

    def act(self, statements: Sequence[Composed], *, organization_id: str | None = None) -> Trespass:
        """Carry the statements out in one transaction, look, and roll it back; raises Unobservable when that cannot be."""
        self._notices.clear()
        chosen = self._field.mine if organization_id is None else organization_id
        try:
            self._enter(chosen)
            answer = self._answered(statements)
            return Trespass(answer, tuple(self._hurt() if answer.kind in {"ok", "zero rows"} else ()))
        except psycopg.OperationalError as problem:
            if problem.sqlstate is None:
                msg = f"the connection failed: {problem}"
                raise Unobservable(msg) from None
            return Trespass(refused(problem, self._notices), ())
        finally:
            with suppress(psycopg.OperationalError):
                self._connection.execute("ROLLBACK")

    def _enter(self, organization_id: str) -> None:
        context = {self._field.database.context_setting: organization_id}
        into = [sql.SQL("BEGIN"), entering(_LIMITS | context), sql.SQL("SAVEPOINT {}").format(sql.Identifier(_BEFORE))]
        self._connection.execute(sql.SQL("; ").join(into))

    def _take_context(self, organization_id: str) -> None:
        self._connection.execute("SELECT set_config(%s, %s, true)", [self._field.database.context_setting, organization_id])

    def _answered(self, statements: Sequence[Composed]) -> Answer:
        try:
            for statement in statements[:-1]:
                self._connection.execute(statement)
            cursor = self._connection.execute(statements[-1])
        except psycopg.errors.DatabaseError as problem:
            return refused(problem, self._notices)
        rows = cursor.fetchmany(SHOWN) if cursor.description else []
        return Answer(kind="ok" if rows else "zero rows", shown="\n".join([*map(repr, rows), *self._notices]))

    def _hurt(self) -> list[str]:
        """Where the open transaction has written: the victim's rows that it holds, and those that were not there before.

        Only what was written to is counted, after the act and then before it, so that a thousand relations cost no more than one.
        """
        written = [self._victims[oid] for (oid,) in self._field.oracle.execute(_WRITTEN, [self._pid]).fetchall() if oid in self._victims]
        if not written:
            return []
        held = [str(seed.relation) for seed in written if self._is_held(seed)]
        now = self._counts(written)
        self._connection.execute(f"ROLLBACK TO SAVEPOINT {_BEFORE}")
        earlier = self._counts(written)
        added = [str(seed.relation) for seed in written if now.get(seed.relation.oid, 0) != earlier.get(seed.relation.oid, 0)]
        return sorted({*held, *added})

    def _is_held(self, seed: Seed) -> bool:
        """Whether the victim's row cannot be locked any more, because the open transaction has changed or removed it."""
        query = sql.SQL("SELECT 1 FROM {} AS r WHERE position({} in r::text) > 0 FOR UPDATE SKIP LOCKED").format(
            named(seed.relation), seed.canary
        )
        try:
            with self._field.oracle.transaction(force_rollback=True):
                self._field.oracle.execute("SET LOCAL lock_timeout = '200ms'")
                return self._field.oracle.execute(query).fetchone() is None
        except psycopg.errors.LockNotAvailable:
            return True

    def _counts(self, seeds: Sequence[Seed]) -> dict[int, int]:
        """How many rows the victim would count now, within the attacker's own open transaction."""
        readable = [seed for seed in seeds if "SELECT" in seed.relation.privileges]
        if not readable:
            return {}
        self._take_context(self._field.theirs)
        query = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}::bigint, count(*) FROM {}").format(seed.relation.oid, named(seed.relation)) for seed in readable
        )
        with suppress(psycopg.errors.DatabaseError), self._connection.transaction():
            return dict(self._connection.execute(query).fetchall())
        return {}
