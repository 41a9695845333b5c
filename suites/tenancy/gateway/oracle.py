"""What is really there of a tenant, read with full rights and never through a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat.errors import Unobservable
from constat.observe import objects
from suites.tenancy.gateway.events import Events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.stack import Postgres, Stack

_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' ORDER BY 1, 2"""
_ROWS: Final = """
SELECT {name}, count(*), coalesce(md5(string_agg(r::text || r.xmin::text, ',' ORDER BY r::text)), ''),
       count(*) FILTER (WHERE position({canary} in r::text) > 0)
FROM {table} AS r WHERE {column} = {tenant}"""
Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Everything of a tenant by place (a table, a bucket, its events) as a digest, and how many of its canaries were seen."""

    places: Mapping[str, str]
    canaries: int

    def differs(self, other: Sight) -> tuple[str, ...]:
        """The places that are not as they were."""
        return tuple(sorted(name for name in {*self.places, *other.places} if self.places.get(name) != other.places.get(name)))


class Oracle:
    """Full rights, and one connection for as long as it looks."""

    def __init__(self, stack: Stack, tenant: str, canary: str) -> None:
        """Take whom to look at; connects at once, Unobservable when that is not possible."""
        self._stack = stack
        self._tenant = tenant
        self._organization_id = stack.tenants[tenant].organization_id
        self._canary = canary
        self._connection = connect(stack.postgres)
        self._query = self._rows()
        self._events = Events(stack, tenant)
        self._store = objects.connect(stack.objects, stack.objects.admin) if stack.objects else None

    def close(self) -> None:
        """Let go of the connections."""
        self._events.close()
        self._connection.close()

    def look(self) -> Sight:
        """Every row that is the tenant's, and every rewrite of one; every version of every object below its name; its events."""
        rows = self.rows()
        places = {str(row[0]): f"{row[1]} {row[2]}" for row in rows} | self._objects() | self._events.seen()
        return Sight(places=places, canaries=sum(int(row[3]) for row in rows))

    def rows(self) -> list[Row]:
        """Each table's name, the number and the digest of the tenant's rows in it, and how many bear its canary."""
        try:
            return self._connection.execute(self._query).fetchall()
        except psycopg.Error as problem:
            msg = f"the oracle cannot read the tenant's rows: {problem}"
            raise Unobservable(msg) from None

    def _rows(self) -> sql.Composed:
        column = self._stack.postgres.tenant_column if self._stack.postgres else ""
        tables = self._connection.execute(_TABLES, [column]).fetchall()
        if not tables:
            msg = f"no table has a column {column!r}, so nobody can say what is a tenant's"
            raise Unobservable(msg)
        parts = [self._one(str(schema), str(name), column) for schema, name in tables]
        return sql.SQL(" UNION ALL ").join(parts)

    def _one(self, schema: str, name: str, column: str) -> sql.Composed:
        return sql.SQL(_ROWS).format(
            name=sql.Literal(f"{schema}.{name}"),
            table=sql.Identifier(schema, name),
            column=sql.Identifier(column),
            canary=sql.Literal(self._canary),
            tenant=sql.Literal(self._organization_id),
        )

    def _objects(self) -> dict[str, str]:
        store = self._stack.objects
        if store is None:
            return {}
        return {
            f"bucket {bucket}": " ".join(
                f"{item.key}@{item.version}" for item in objects.stored(store, bucket, f"{self._tenant}/", client=self._store)
            )
            for bucket in store.buckets
        }


def connect(postgres: Postgres | None) -> psycopg.Connection[Row]:
    """The administrator's session; Unobservable when there is none to be had."""
    if postgres is None:
        msg = "the target declares no database, so nobody can say what is really there"
        raise Unobservable(msg)
    try:
        return psycopg.connect(postgres.admin_dsn, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as problem:
        msg = f"the oracle cannot log in: {problem}"
        raise Unobservable(msg) from None
