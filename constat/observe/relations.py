"""What relations a database has, and what a login may do to each: from the catalogs, in one look."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import dict_row

from constat.errors import Unobservable

if TYPE_CHECKING:
    from psycopg import Connection

# Indexes, sequences, TOAST and composite types: they have no rows of their own to be attacked.
_BESIDE: Final = ("i", "I", "S", "t", "c")
KINDS: Final = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its type by name and category, and who fills it."""

    name: str
    type: str
    base: str
    category: str
    not_null: bool
    has_default: bool
    generated: bool
    granted: frozenset[str] = frozenset()  # SELECT, INSERT, UPDATE on this column
    labels: tuple[str, ...] = ()  # of an enumerated type
    constants: tuple[str, ...] = ()  # that a CHECK constraint on it names: likely values
    length: int | None = None
    precision: int | None = None  # digits before the point, of a numeric type
    domain: str = ""  # the type's own name, where it is a domain


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """A reference: these columns repeat those of another relation."""

    columns: tuple[str, ...]
    relation: int
    referenced: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A relation and what a login may do to it."""

    oid: int
    schema: str
    name: str
    kind: str
    is_partition: bool
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unique: frozenset[str]  # columns of any unique index
    references: tuple[ForeignKey, ...]
    privileges: frozenset[str]
    parent: int | None = None  # of a partition or an inheriting table
    guarded: bool = False  # row level security is on
    forced: bool = False  # for the owner too
    options: tuple[str, ...] = ()  # as in pg_class.reloptions
    checks: tuple[tuple[str, tuple[str, ...]], ...] = ()  # a constraint or unique index, and the columns that it looks at

    def __str__(self) -> str:
        """As people write it: schema.name."""
        return f"{self.schema}.{self.name}"

    def has(self, column: str) -> bool:
        """Whether it has a column of that name."""
        return any(found.name == column for found in self.columns)

    @property
    def readable(self) -> tuple[str, ...]:
        """The columns that the login may read."""
        return tuple(column.name for column in self.columns if "SELECT" in column.granted)


_RELATIONS: Final = """
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind, c.relispartition AS is_partition,
       (SELECT inhparent::bigint FROM pg_inherits WHERE inhrelid = c.oid AND inhseqno = 1) AS parent,
       c.relrowsecurity AS guarded, c.relforcerowsecurity AS forced, coalesce(c.reloptions, '{}') AS options,
       coalesce((SELECT array_agg(a.attname::text ORDER BY k.place)
                 FROM pg_index i, unnest(i.indkey::int[]) WITH ORDINALITY AS k(number, place), pg_attribute a
                 WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.number), '{}') AS key,
       coalesce((SELECT array_agg(DISTINCT a.attname::text) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
                 AND a.attnum = ANY (i.indkey::int[]) WHERE i.indrelid = c.oid AND i.indisunique), '{}') AS unique,
       array_remove(ARRAY[
           CASE WHEN has_any_column_privilege(%(login)s, c.oid, 'SELECT') THEN 'SELECT' END,
           CASE WHEN has_any_column_privilege(%(login)s, c.oid, 'INSERT') THEN 'INSERT' END,
           CASE WHEN has_any_column_privilege(%(login)s, c.oid, 'UPDATE') THEN 'UPDATE' END,
           CASE WHEN has_table_privilege(%(login)s, c.oid, 'DELETE') THEN 'DELETE' END,
           CASE WHEN has_table_privilege(%(login)s, c.oid, 'TRUNCATE') THEN 'TRUNCATE' END], NULL) AS privileges,
       has_schema_privilege(%(login)s, n.oid, 'USAGE') AS reachable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY (%(kinds)s::"char"[]) AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%%'
ORDER BY 2, 3
"""
_COLUMNS: Final = """
SELECT a.attrelid::bigint AS relation, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       format_type(CASE WHEN t.typbasetype <> 0 THEN t.typbasetype ELSE t.oid END, NULL) AS base, t.typcategory::text AS category,
       a.attnotnull OR t.typnotnull AS not_null, a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS has_default,
       a.attgenerated <> '' OR a.attidentity = 'a' AS generated,
       CASE WHEN b.typname IN ('varchar', 'bpchar') AND greatest(a.atttypmod, t.typtypmod) > 4
            THEN greatest(a.atttypmod, t.typtypmod) - 4 END AS length,
       CASE WHEN b.typname = 'numeric' AND greatest(a.atttypmod, t.typtypmod) > 4
            THEN ((greatest(a.atttypmod, t.typtypmod) - 4) >> 16) - ((greatest(a.atttypmod, t.typtypmod) - 4) & 2047) END AS precision,
       CASE WHEN t.typtype = 'd' THEN t.typname::text ELSE '' END AS domain,
       array_remove(ARRAY[
           CASE WHEN has_column_privilege(%(login)s, a.attrelid, a.attnum, 'SELECT') THEN 'SELECT' END,
           CASE WHEN has_column_privilege(%(login)s, a.attrelid, a.attnum, 'INSERT') THEN 'INSERT' END,
           CASE WHEN has_column_privilege(%(login)s, a.attrelid, a.attnum, 'UPDATE') THEN 'UPDATE' END], NULL) AS granted,
       coalesce((SELECT array_agg(m.literal[1]) FROM pg_constraint k,
                     regexp_matches(pg_get_constraintdef(k.oid), '''([^'']+)''', 'g') AS m(literal)
                 WHERE k.contype = 'c' AND (k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
                     OR k.contypid = t.oid AND t.typtype = 'd')), '{}') AS constants,
       coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = b.oid), '{}') AS labels
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
WHERE a.attrelid = ANY (%(oids)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""
_REFERENCES: Final = """
SELECT k.conrelid::bigint AS relation, k.confrelid::bigint AS target,
       (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u(number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number) AS columns,
       (SELECT array_agg(a.attname::text ORDER BY u.place) FROM unnest(k.confkey) WITH ORDINALITY AS u(number, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number) AS referenced
FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = ANY (%(oids)s::oid[])
"""
# A check names its columns; a unique index may look at an expression, and then at any of them.
_CHECKS: Final = """
SELECT k.conrelid::bigint AS relation, k.conname::text AS name,
       coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)), '{}') AS columns
FROM pg_constraint k WHERE k.contype IN ('c', 'x') AND k.conrelid = ANY (%(oids)s::oid[])
UNION ALL
SELECT i.indrelid::bigint, c.relname::text,
       coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
                 WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int[])), '{}')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisunique AND i.indrelid = ANY (%(oids)s::oid[])
"""
# Every kind of relation that a server may know; anything else is one that this project does not.
_STRANGE: Final = """
SELECT n.nspname || '.' || c.relname || ' (' || c.relkind::text || ')' AS strange
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> ALL (%(known)s::"char"[]) ORDER BY 1
"""


def relations(oracle: Connection[Any], login: str) -> tuple[Relation, ...]:
    """Every relation that is not PostgreSQL's own, with what the login can do to it.

    A relation in a schema that the login cannot use has no privileges.
    Raises Unobservable when the catalogs cannot be read or show nothing.
    """
    try:
        rows = _rows(oracle, _RELATIONS, {"login": login, "kinds": list(KINDS)})
        asked = {"oids": [row["oid"] for row in rows], "login": login}
        columns, references, checks = (_grouped(_rows(oracle, query, asked)) for query in (_COLUMNS, _REFERENCES, _CHECKS))
    except psycopg.Error as problem:
        msg = f"the catalogs cannot be read: {problem}"
        raise Unobservable(msg) from None
    if not rows:
        msg = "the catalogs show no relation at all; is this the right database?"
        raise Unobservable(msg)
    return tuple(_relation(row, columns[row["oid"]], references[row["oid"]], checks[row["oid"]]) for row in rows)


def strange_relations(oracle: Connection[Any]) -> tuple[str, ...]:
    """Relations of a kind that this project does not know; raises Unobservable when the catalogs cannot be read."""
    try:
        return tuple(row["strange"] for row in _rows(oracle, _STRANGE, {"known": [*KINDS, *_BESIDE]}))
    except psycopg.Error as problem:
        msg = f"the catalogs cannot be read: {problem}"
        raise Unobservable(msg) from None


def in_reference_order(found: tuple[Relation, ...]) -> tuple[Relation, ...]:
    """The relations so that each comes after those that it refers to; cycles stay in the given order."""
    by_oid, done, ordered = {relation.oid: relation for relation in found}, set[int](), list[Relation]()

    def visit(relation: Relation) -> None:
        if relation.oid in done:
            return
        done.add(relation.oid)
        for reference in relation.references:
            if reference.relation in by_oid:
                visit(by_oid[reference.relation])
        ordered.append(relation)

    for relation in found:
        visit(relation)
    return tuple(ordered)


def _rows(oracle: Connection[Any], query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with oracle.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def _grouped(rows: list[dict[str, Any]]) -> defaultdict[int, list[dict[str, Any]]]:
    """The rows by the relation that they are about."""
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["relation"]].append(row)
    return found


def _relation(
    row: dict[str, Any], columns: list[dict[str, Any]], references: list[dict[str, Any]], checks: list[dict[str, Any]]
) -> Relation:
    return Relation(
        oid=row["oid"],
        schema=row["schema"],
        name=row["name"],
        kind=KINDS[row["kind"]],
        is_partition=row["is_partition"],
        parent=row["parent"],
        guarded=row["guarded"],
        forced=row["forced"],
        options=tuple(row["options"]),
        key=tuple(row["key"]),
        unique=frozenset(row["unique"]),
        columns=tuple(_column(column) for column in columns),
        references=tuple(
            ForeignKey(columns=tuple(r["columns"]), relation=r["target"], referenced=tuple(r["referenced"])) for r in references
        ),
        checks=tuple((check["name"], tuple(check["columns"])) for check in checks),
        privileges=frozenset(row["privileges"]) if row["reachable"] else frozenset(),
    )


def _column(row: dict[str, Any]) -> Column:
    fields = {key: value for key, value in row.items() if key != "relation"}
    sets = {"labels": tuple(row["labels"]), "constants": tuple(row["constants"]), "granted": frozenset(row["granted"])}
    return Column(**(fields | sets))
