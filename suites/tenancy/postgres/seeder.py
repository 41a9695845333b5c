"""Plant a row with a canary for each tenant in every relation that can hold one.

Generally: constraints, references, generated columns and partitions are read from the
catalogs.  What cannot be seeded is said, with the reason, and becomes a finding.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from constat.errors import TargetError
from constat.observe.relations import in_reference_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from constat.observe.relations import Column, ForeignKey, Relation
    from suites.tenancy.postgres.sessions import Row

WRITABLE = frozenset({"table", "partitioned table"})
_TEXTS = frozenset({"text", "character varying", "character", "citext", "name"})


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


class Seeder:
    """Plants rows as the oracle, and takes every one of them away again."""

    def __init__(self, oracle: Connection[Row], tenant_column: str, organizations: dict[str, str]) -> None:
        """Take the tenants: name → organization id."""
        self._oracle = oracle
        self._column = tenant_column
        self._organizations = organizations
        self.seeds: dict[tuple[int, str], Seed] = {}
        self.spare: dict[tuple[int, str], Seed] = {}
        self.problems: dict[int, str] = {}

    def plant(self, relations: tuple[Relation, ...]) -> None:
        """Plant two rows for each tenant in each relation: one to be recognised, one to be given up."""
        self._by_oid = {relation.oid: relation for relation in relations}
        for relation in in_reference_order(relations):
            if relation.kind in WRITABLE and not relation.is_partition and relation.has(self._column):
                self._plant_in(relation)

    def rows_of(self, relation: Relation, organization_id: str) -> int:
        """How many rows of the relation are really the tenant's."""
        query = sql.SQL("SELECT count(*) FROM {} WHERE {} = %s").format(named(relation), sql.Identifier(self._column))
        return int(self._one(query, [organization_id])[0])

    def state_of(self, relation: Relation, organization_id: str) -> str:
        """Everything of the tenant's in the relation, and every rewrite of it, as text."""
        query = sql.SQL(
            "SELECT coalesce(string_agg(r::text || ' ' || r.xmin::text, E'\\n' ORDER BY r::text), '') FROM {} AS r WHERE {} = %s"
        )
        if relation.kind not in WRITABLE:
            query = sql.SQL("SELECT coalesce(string_agg(r::text, E'\\n' ORDER BY r::text), '') FROM {} AS r WHERE {} = %s")
        return str(self._one(query.format(named(relation), sql.Identifier(self._column)), [organization_id])[0])

    def remove(self) -> None:
        """Take away every planted row, wherever an attack may have moved it."""
        planted = [seed for seed in (*self.seeds.values(), *self.spare.values()) if seed.planted]
        for seed in reversed(planted):
            query = sql.SQL("DELETE FROM {} AS r WHERE position(%s in r::text) > 0").format(named(seed.relation))
            self._oracle.execute(query, [seed.canary])

    def _plant_in(self, relation: Relation) -> None:
        for tenant, organization_id in self._organizations.items():
            try:
                self.seeds[relation.oid, tenant] = self._seed(relation, tenant, organization_id)
                self.spare[relation.oid, tenant] = self._seed(relation, tenant, organization_id)
            except Unseedable as problem:
                self.problems[relation.oid] = str(problem)

    def _seed(self, relation: Relation, tenant: str, organization_id: str) -> Seed:
        canary, refusal = f"c{secrets.token_hex(12)}", "no column can hold a canary"
        for holders in _choices(relation, self._column):
            try:
                values = self._values(relation, organization_id, canary, holders)
                with self._oracle.transaction():
                    self._insert(relation, values)
            except psycopg.errors.UniqueViolation:
                return self._existing(relation, tenant, organization_id)
            except psycopg.errors.DatabaseError as problem:
                refusal = str(problem.diag.message_primary)
            else:
                stored = self._stored(relation, canary)
                return Seed(relation=relation, tenant=tenant, organization_id=organization_id, canary=canary, values=stored, planted=True)
        raise Unseedable(refusal)

    def _existing(self, relation: Relation, tenant: str, organization_id: str) -> Seed:
        """Let a row that the tenant has already serve: a relation with one row a tenant takes no second."""
        row = self._row_of(relation, organization_id)
        if row is None:
            msg = "a unique key refuses another row, and the tenant has none"
            raise Unseedable(msg)
        return Seed(relation=relation, tenant=tenant, organization_id=organization_id, canary=organization_id, values=row, planted=False)

    def _values(self, relation: Relation, organization_id: str, canary: str, holders: frozenset[str]) -> dict[str, Any]:
        values: dict[str, Any] = {self._column: organization_id}
        for reference in relation.references:
            values |= self._referenced(reference, organization_id, values)
        for column in relation.columns:
            if column.name in values or column.generated:
                continue
            if column.name in holders:
                values[column.name] = _holding(column, canary)
            elif column.not_null and not column.has_default:
                values[column.name] = _filling(column)
        return values

    def _referenced(self, reference: ForeignKey, organization_id: str, known: dict[str, Any]) -> dict[str, Any]:
        """The columns of a reference, taken from a row of the same tenant where the target has one."""
        if set(reference.columns) <= set(known):
            return {}
        target = self._by_oid.get(reference.relation)
        seeds = [seed for (oid, _), seed in self.seeds.items() if oid == reference.relation and seed.organization_id == organization_id]
        row = seeds[0].values if seeds else self._row_of(target, organization_id) if target else None
        if row is None:
            msg = f"it refers to {target or 'a relation out of reach'}, where the tenant has no row"
            raise Unseedable(msg)
        return dict(zip(reference.columns, (row[name] for name in reference.referenced), strict=True))

    def _row_of(self, relation: Relation, organization_id: str) -> dict[str, Any] | None:
        where = sql.SQL(" WHERE {} = %s").format(sql.Identifier(self._column)) if relation.has(self._column) else sql.SQL(" WHERE %s <> ''")
        return self._fetch(relation, sql.SQL("SELECT * FROM {}").format(named(relation)) + where + sql.SQL(" LIMIT 1"), organization_id)

    def _stored(self, relation: Relation, canary: str) -> dict[str, Any]:
        query = sql.SQL("SELECT * FROM {} AS r WHERE position(%s in r::text) > 0 LIMIT 1").format(named(relation))
        row = self._fetch(relation, query, canary)
        if row is None:
            msg = "the planted row does not show its canary: a trigger or rule changes it"
            raise Unseedable(msg)
        return row

    def _fetch(self, relation: Relation, query: sql.Composed, parameter: str) -> dict[str, Any] | None:
        row = self._oracle.execute(query, [parameter]).fetchone()
        return None if row is None else dict(zip([column.name for column in relation.columns], row, strict=True))

    def _insert(self, relation: Relation, values: dict[str, Any]) -> None:
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            named(relation), sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(sql.Placeholder() * len(values))
        )
        self._oracle.execute(query, list(values.values()))

    def _one(self, query: sql.Composed, parameters: list[str]) -> Row:
        row = self._oracle.execute(query, parameters).fetchone()
        assert row is not None  # an aggregate always has one
        return row


def named(relation: Relation) -> sql.Identifier:
    """The relation's name for a statement."""
    return sql.Identifier(relation.schema, relation.name)


def _choices(relation: Relation, tenant_column: str) -> Iterator[frozenset[str]]:
    """Which columns hold the canary: every text at once, then each alone, for a constraint may want another value."""
    referring = {name for reference in relation.references for name in reference.columns}
    free = [c for c in relation.columns if c.name not in referring | {tenant_column} and not c.generated]
    texts = [c.name for c in free if c.base in _TEXTS and not c.labels]
    if unbound := [c.name for c in free if c.name in texts and not c.constants]:
        yield frozenset(unbound)
    yield from (frozenset({name}) for name in texts)
    yield from (frozenset({c.name}) for c in free if c.base in {"jsonb", "json", "bytea", "text[]", "xml"})


def _holding(column: Column, canary: str) -> object:
    if column.base in {"jsonb", "json"}:
        return Jsonb({"canary": canary})
    if column.base == "bytea":
        return canary.encode()
    if column.base == "text[]":
        return [canary]
    return f"<c>{canary}</c>" if column.base == "xml" else canary[: column.length] if column.length else canary


def _filling(column: Column) -> object:  # noqa: PLR0911 - a table of types
    if column.labels:
        return column.labels[0]
    if column.constants:
        return column.constants[0]
    if column.base in _TEXTS:
        return "x"
    if column.category == "N":
        return secrets.randbelow(30000)
    if column.category == "B":
        return False
    if column.base == "uuid":
        return (
            f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(2)[1:]}-8{secrets.token_hex(2)[1:]}-{secrets.token_hex(6)}"
        )
    if column.category == "A":
        return []
    return {"jsonb": Jsonb({}), "json": Jsonb({}), "bytea": b"", "inet": "192.0.2.1", "cidr": "192.0.2.0/24", "interval": "0"}.get(
        column.base, "2026-01-01" if column.category == "D" else ""
    )
