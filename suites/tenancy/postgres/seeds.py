"""What a planted row is, where one can be, and how it is written and recognised."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from constat.errors import TargetError
from suites.tenancy.postgres.planting import holds_canary

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg
    from psycopg.abc import AdaptContext
    from psycopg.sql import Composed

    from constat.observe.relations import Column, Relation
    from suites.tenancy.postgres.sessions import Row

WRITABLE: Final = frozenset({"table", "partitioned table"})


class Unseedable(TargetError):
    """No row with a canary could be planted; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """A planted row: whose, where, and the value to recognise it by."""

    relation: Relation
    tenant: str
    organization_id: str
    canary: str
    values: dict[str, Any]
    planted: bool  # False when a row that was there already serves


class Rendered(sql.Composable):
    """A part of many statements, rendered once."""

    def __init__(self, part: sql.Composable) -> None:
        """Render it, for a database in UTF-8."""
        super().__init__(part)
        self._bytes = part.as_bytes()

    def as_bytes(self, context: AdaptContext | None = None) -> bytes:  # noqa: ARG002 - the same in every context
        """As it was rendered."""
        return self._bytes


@functools.cache
def identifier(*parts: str) -> Rendered:
    """A name for a statement, quoted; rendered once however often it is used."""
    return Rendered(sql.Identifier(*parts))


def named(relation: Relation) -> Rendered:
    """The relation's name for a statement."""
    return identifier(relation.schema, relation.name)


def recognising(seed: Seed) -> Composed:
    """The question that shows the planted row to whoever may see it."""
    return sql.SQL("SELECT r::text FROM {} AS r WHERE position({} in r::text) > 0").format(named(seed.relation), seed.canary)


def insertion(relation: Relation, values: dict[str, Any]) -> Composed:
    """An INSERT of these values, whatever the server fills in where there are none."""
    names, literals = sql.SQL(", ").join(map(identifier, values)), sql.SQL(", ").join(map(sql.Literal, values.values()))
    given = sql.SQL("({}) VALUES ({})").format(names, literals) if values else sql.SQL("DEFAULT VALUES")
    return sql.SQL("INSERT INTO {} {}").format(named(relation), given)


def owned_by_tenants(relations: Iterable[Relation], tenant_column: str) -> frozenset[int]:
    """Tables whose rows belong to a tenant: by a column of their own, or by what they refer to, however far."""
    tables = [relation for relation in relations if relation.kind in WRITABLE and not relation.is_partition]
    owned = {relation.oid for relation in tables if relation.has(tenant_column)}
    while further := {r.oid for r in tables if r.oid not in owned and any(reference.relation in owned for reference in r.references)}:
        owned |= further
    return frozenset(owned)


def is_asked(relation: Relation, column: Column) -> bool:
    """Whether a value is given at once: where a canary fits, where one is needed, and an id, so that what refers to it shows the mark."""
    marked = column.base == "uuid" and column.name in relation.key
    return marked or holds_canary(column) or (column.not_null and not column.has_default)


def as_values(relation: Relation, row: Row) -> dict[str, Any]:
    """A whole row by the names of its columns."""
    return dict(zip([column.name for column in relation.columns], row, strict=True))


def blamed(relation: Relation, problem: psycopg.errors.DatabaseError) -> list[Column]:
    """The columns that a refusal is about, all that were given where it does not say."""
    diag = problem.diag
    free = [column for column in relation.columns if not column.generated]
    named_columns = set(dict(relation.checks).get(str(diag.constraint_name), ())) | {str(diag.column_name)}
    if found := [column for column in free if column.name in named_columns]:
        return found
    if found := [column for column in free if column.domain and column.domain == diag.datatype_name]:
        return found
    return (
        [column for column in free if is_asked(relation, column)] if problem.sqlstate and problem.sqlstate.startswith(("22", "23")) else []
    )
