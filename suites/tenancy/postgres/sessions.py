"""The attacker's and the oracle's ways into the database.

The attacker logs in with the application's own login by the application's own path; every
act is a transaction of its own, in the context of one tenant, as a service would have it.
Acts that are all refused quietly share one transaction and one round trip; as soon as one
of them reaches anything, each is carried out alone, so that nothing is blamed on another.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import psycopg
from psycopg import sql

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection, Cursor
    from psycopg.sql import Composable

Row: TypeAlias = tuple[Any, ...]
SHOWN_ROWS: Final = 200
_LIMITS: Final = {"lock_timeout": "2s", "statement_timeout": "15s"}
QUIET: Final = frozenset({"zero rows", "own rows only"})
_BUNDLE: Final = 64  # statements in one round trip


@dataclass(frozen=True, kw_only=True)
class Act:
    """One statement of an attacker.

    With `own_rows`, more rows than these cannot be the actor's, so reaching them is
    reaching another tenant's; with `telling`, success itself is what must not be.
    """

    statement: Composable
    keep: bool = False
    before: tuple[Composable, ...] = ()
    own_rows: int | None = None
    telling: bool = False
    alone: bool = False  # it ends in an error when all is well, so it would only spoil a bundle

    @functools.cached_property
    def rendered(self) -> tuple[bytes, ...]:
        """The statements as they are sent, the earlier ones first; rendered once."""
        return tuple(part.as_bytes() for part in (*self.before, self.statement))


def connect(dsn: str, **options: Any) -> Connection[Row]:
    """Log in; raises Unobservable when that is not possible."""
    try:
        return logged_in(dsn, **options)
    except psycopg.OperationalError as problem:
        msg = f"cannot log in: {str(problem).strip()}"
        raise Unobservable(msg) from None


def logged_in(dsn: str, **options: Any) -> Connection[Row]:
    """Log in; raises OperationalError in the server's words when it does not let in.  Nothing is prepared: the pooler shares servers."""
    return psycopg.connect(dsn, autocommit=True, prepare_threshold=None, connect_timeout=int(deadlines.PROBE_CONNECT) + 2, **options)


def entering(settings: dict[str, str]) -> sql.Composed:
    """One statement that sets all of them for the transaction."""
    set_each = [sql.SQL("set_config({}, {}, true)").format(name, value) for name, value in settings.items()]
    return sql.SQL("SELECT ") + sql.SQL(", ").join(set_each)


class Attacker:
    """The application's login, acting for one tenant or for none."""

    def __init__(self, connection: Connection[Row], setting: str, organization_id: str | None) -> None:
        """Take the tenant whose context is set; None for no context at all, '' for an empty one."""
        self.connection = connection
        self._notices: list[str] = []
        connection.add_notice_handler(lambda notice: self._notices.append(f"{notice.severity}: {notice.message_primary}"))
        context = {} if organization_id is None else {setting: organization_id}
        self._entering = [b"BEGIN", entering(_LIMITS | context).as_bytes(connection)]
        self._preamble = len(self._entering)  # results before the first act's

    def act(self, act: Act) -> Answer:
        """Carry one act out in a transaction of its own, and say everything that came back.

        Raises Unobservable when the connection itself fails.
        """
        try:
            return self._once(act)
        finally:
            self._leave()

    def _once(self, act: Act) -> Answer:
        """One act in one round trip; what an act before it left open is ended by the same."""
        self._notices.clear()
        after = [] if self._is_idle else [b"ROLLBACK"]
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(b"; ".join([*after, *self._entering, *act.rendered, b"COMMIT" if act.keep else b"ROLLBACK"]))
                for _ in range(len(after) + self._preamble + len(act.before)):
                    cursor.nextset()
                return _answer(cursor, self._notices, act)
        except psycopg.errors.DatabaseError as problem:
            return refused(problem, self._notices)

    def acts(self, acts: Sequence[Act], *, alike: frozenset[str] = QUIET) -> list[Answer]:
        """Carry many acts out: together where all of a bundle are answered as expected, else each alone.

        Acts that are kept must not be mixed with others.
        """
        social = [place for place, act in enumerate(acts) if not (act.before or act.telling or act.alone)]
        answers: dict[int, Answer] = {}
        try:
            for start in range(0, len(social), _BUNDLE):
                places = social[start : start + _BUNDLE]
                bundle = [acts[place] for place in places]
                answers |= zip(places, self._together(bundle, alike) or self._halved(bundle, alike), strict=True)
            return [answers[place] if place in answers else self._once(act) for place, act in enumerate(acts)]
        finally:
            self._leave()

    def _halved(self, bundle: Sequence[Act], alike: frozenset[str]) -> list[Answer]:
        """Half and half again, so that one that stands out costs a few round trips and not a bundle of them."""
        if len(bundle) == 1:
            return [self._once(bundle[0])]
        middle = len(bundle) // 2
        halves = (bundle[:middle], bundle[middle:])
        return [answer for half in halves for answer in self._together(half, alike) or self._halved(half, alike)]

    def copies(self, queries: Sequence[Composable]) -> list[Answer]:
        """Copy many out together where nothing comes of any of them, else each alone."""
        answers: list[Answer] = []
        for start in range(0, len(queries), _BUNDLE):
            bundle = queries[start : start + _BUNDLE]
            texts = sql.SQL(" UNION ALL ").join(sql.SQL("(SELECT c::text FROM ({}) AS c)").format(query) for query in bundle)
            quiet = len(bundle) > 1 and self.copy(texts).kind == "zero rows"
            answers += [Answer(kind="zero rows")] * len(bundle) if quiet else [self.copy(query) for query in bundle]
        return answers

    def copy(self, query: Composable) -> Answer:
        """Read by COPY, keeping all that came; nothing at all is `zero rows`."""
        self._notices.clear()
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(b"; ".join(self._entering))
                with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(query)) as stream:
                    shown = "".join(bytes(block).decode(errors="replace") for block in stream)
                return Answer(kind="ok" if shown else "zero rows", shown=shown)
        except psycopg.errors.DatabaseError as problem:
            return refused(problem, self._notices)
        finally:
            self._leave()

    def _together(self, bundle: Sequence[Act], alike: frozenset[str]) -> list[Answer] | None:
        """The answers of a bundle in one transaction; None when any is not as expected."""
        if len(bundle) == 1:
            return None
        self._notices.clear()
        self._leave()
        try:
            with self.connection.cursor() as cursor:
                # A bundle is decided on by its answers: only a quiet one may be kept.
                cursor.execute(b"; ".join([*self._entering, *(act.rendered[-1] for act in bundle)]))
                for _ in range(self._preamble - 1):
                    cursor.nextset()
                answers = []
                for act in bundle:
                    cursor.nextset()
                    answers.append(_answer(cursor, self._notices, act))
                if not all(answer.kind in alike and not answer.reached for answer in answers) or self._notices:
                    return None
                cursor.execute(b"COMMIT" if bundle[0].keep else b"ROLLBACK")
                return answers
        except psycopg.errors.DatabaseError as problem:
            if problem.sqlstate is None:
                refused(problem, [])
            return None
        finally:
            self._leave()

    @property
    def _is_idle(self) -> bool:
        return self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    def _leave(self) -> None:
        """End what is still open; a connection that has failed says so at the next act."""
        if not self._is_idle:
            with suppress(psycopg.OperationalError):
                self.connection.execute(b"ROLLBACK")


def _answer(cursor: Cursor[Row], notices: list[str], act: Act) -> Answer:
    own = act.own_rows
    if cursor.description is not None:
        rows = cursor.fetchmany(SHOWN_ROWS)
        reached = own is not None and cursor.rowcount > own
        return Answer(kind="ok" if rows else "zero rows", shown="\n".join([*map(repr, rows), *notices]), reached=reached or act.telling)
    count = max(cursor.rowcount, 0)
    if own is not None and count:
        return Answer(kind="own rows only", shown=f"{count} rows affected, {own} are the tenant's own", reached=count > own)
    shown = "\n".join([cursor.statusmessage or f"{count} rows affected", *notices])
    return Answer(kind="ok" if count or act.telling else "zero rows", shown=shown, reached=act.telling)


def refused(problem: psycopg.Error, notices: list[str]) -> Answer:
    """Everything that an error says; raises Unobservable when it was the connection that failed."""
    if problem.sqlstate is None:
        msg = f"the connection failed: {problem}"
        raise Unobservable(msg) from None
    diag = problem.diag
    said = (diag.message_primary, diag.message_detail, diag.message_hint, diag.context, diag.constraint_name)
    return Answer(kind=f"sqlstate {problem.sqlstate}", shown="\n".join([*(str(part) for part in said if part), *notices]))
