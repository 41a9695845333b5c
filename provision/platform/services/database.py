"""The database, always in one tenant's context: set from the verified token, inside the transaction."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from provision.platform.services.problem import Problem, not_found, unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from uuid import UUID

    from psycopg import AsyncConnection

Row = TypeVar("Row")
Result = TypeVar("Result")
_PATIENCE_SECONDS: Final = 2.0
# Longer than the server's own time-out for a statement.
_LONGEST_SECONDS: Final = 5.0
# Both end with the transaction; the pooler takes no start-up options, so the time-out is set here too.
_CONTEXT: Final[LiteralString] = "SELECT set_config('app.organization_id', %s, true), set_config('statement_timeout', '4s', true)"


class Database:
    """A pool of connections, by the application's own login and path."""

    name = "database"
    required = True

    def __init__(self, dsn: str, *, connections: int) -> None:
        """Take where the pooler is; `open` connects."""
        self._dsn = dsn
        self._connections = connections

    async def open(self) -> None:
        """Begin to connect; does not wait."""
        # Through a pooler in transaction mode no prepared statement outlives its transaction.
        options = {"autocommit": True, "prepare_threshold": None, "connect_timeout": 3}
        self._pool = AsyncConnectionPool(
            self._dsn,
            kwargs=options,
            min_size=self._connections,
            max_size=self._connections,
            open=False,
            timeout=_PATIENCE_SECONDS,
            check=_still_there,
            reconnect_timeout=0,  # the next request tries again; otherwise the pauses grow without bound
            name="database",
        )
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=_PATIENCE_SECONDS)

    async def check(self) -> None:
        """Ask the server for nothing; raises when it does not answer."""
        async with self._pool.connection() as connection:
            await connection.execute("SELECT 1")

    async def fetch(self, organization_id: UUID, query: LiteralString, values: Mapping[str, object], *, row: type[Row]) -> list[Row]:
        """Run one statement in a transaction in a tenant's context, and return its rows once it is committed.

        Raises Problem 503 when the database is away, 404, 409 or 422 where a constraint says so.
        """
        return await _in_time(self._fetch(str(organization_id), query, values, row=row))

    async def fetch_without_context(self, query: LiteralString, values: Mapping[str, object], *, row: type[Row]) -> list[Row]:
        """Run one statement for somebody whose tenant is not known yet; Problem 503 when the database is away."""
        return await _in_time(self._fetch(None, query, values, row=row))

    async def _fetch(self, context: str | None, query: LiteralString, values: Mapping[str, object], *, row: type[Row]) -> list[Row]:
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(row))
            # One journey through the pooler instead of four.
            async with connection.pipeline():
                await connection.execute("BEGIN")
                if context is not None:
                    await connection.execute(_CONTEXT, (context,))
                await cursor.execute(query, values)
                await connection.execute("COMMIT")
            return await cursor.fetchall()


async def _in_time(work: Coroutine[Any, Any, Result]) -> Result:
    """Await work for five seconds; what is not done then is cancelled, which nobody waits for."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait((task,), timeout=_LONGEST_SECONDS)
    if not done:
        task.cancel()
        raise unavailable(Database.name)
    with _translated():
        return task.result()


async def _still_there(connection: AsyncConnection[Any]) -> None:
    """Notice a connection that the other side has closed, without asking it anything."""
    connection.pgconn.consume_input()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (errors.ReadOnlySqlTransaction, psycopg.OperationalError, psycopg.InterfaceError) as problem:
        raise unavailable(Database.name) from problem
    except errors.ForeignKeyViolation as problem:
        raise not_found() from problem
    except errors.UniqueViolation as problem:
        raise Problem(409, "it is there already") from problem
    except (errors.CheckViolation, psycopg.DataError) as problem:
        raise Problem(422, "the database refuses these values") from problem
