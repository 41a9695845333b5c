"""What the catalogs say of a function: what its arguments' types take, and what its source spells out."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from suites.tenancy.postgres.literals import LITERALS, as_taken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection

    from constat.observe.functions import Function

_OF_A_TYPE: Final = 3  # everything, nothing and something
NUMBERS: Final = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"})
TEXTS: Final = frozenset({"text", "character varying", "character", "name", "citext"})
POLYMORPHIC: Final = {"any": "text", "anyelement": "text", "anynonarray": "text", "anyarray": "text[]"} | {
    "anycompatible": "text",
    "anycompatiblenonarray": "text",
    "anycompatiblearray": "text[]",
}
_LITERAL: Final = re.compile(r"'((?:[^'\n]|''){1,60})'")
_RECORD: Final = re.compile(r"\bas\s+\w+\s*\(([^)]*)\)", re.IGNORECASE)
_SOURCES: Final = """
SELECT p.oid::bigint, concat_ws(' ', coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), pg_get_expr(p.proargdefaults, 0),
    (SELECT string_agg(coalesce(pg_get_function_sqlbody(m.oid), m.prosrc), ' ') FROM pg_aggregate a
     JOIN pg_proc m ON m.oid IN (a.aggtransfn, a.aggfinalfn) WHERE a.aggfnoid = p.oid)), coalesce(p.proargnames, '{}')
FROM pg_proc p WHERE p.oid = ANY (%s::oid[])
"""
_SHAPE: Final = """
SELECT array(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder),
       array(SELECT attname::text FROM pg_attribute WHERE attrelid = t.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
       array(SELECT format_type(coalesce(nullif(b.typbasetype, 0), b.oid), NULL) FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid
             WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM pg_type t WHERE t.oid = to_regtype(%s)
"""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the server takes for a type that has no meaning here: literals, and the attributes of a composite."""

    literals: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # name, type


@dataclass(frozen=True, kw_only=True)
class Lore:
    """What the catalogs say about one function: its arguments' names and types, and what its source spells out."""

    shapes: Mapping[str, Shape]
    names: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


NOTHING: Final = Lore(shapes={})


def lore_of(oracle: Connection[Any], known: Sequence[Function]) -> dict[int, Lore]:
    """Read each function's source and ask the server what its arguments' types take; by the function's oid."""
    shapes: dict[str, Shape] = {}
    for function in known:
        for kind in function.arguments:
            _learn(oracle, kind, shapes)
    rows = oracle.execute(_SOURCES, [[function.oid for function in known]]).fetchall()
    return {oid: Lore(shapes=shapes, names=tuple(names), literals=spelled(source), keys=_keys(source)) for oid, source, names in rows}


def spelled(source: str) -> tuple[str, ...]:
    """The string literals of a function's source, each once."""
    return tuple(dict.fromkeys(found.replace("''", "'") for found in _LITERAL.findall(source)))


def _learn(oracle: Connection[Any], kind: str, shapes: dict[str, Shape]) -> None:
    """Ask the catalogs for labels and attributes, and the server whether it takes one of a few literals."""
    kind = POLYMORPHIC.get(kind.strip('"'), kind).removesuffix("[]")
    if kind in shapes or kind in NUMBERS | TEXTS | {"uuid", "json", "jsonb", "tsquery", "boolean"}:
        return
    row = oracle.execute(_SHAPE, [kind]).fetchone()
    labels, names, kinds = row or ([], [], [])
    attributes = tuple(zip(names, kinds, strict=True))
    shapes[kind] = Shape(literals=tuple(labels) or (() if attributes else _taken(oracle, kind)), attributes=attributes)
    for _, other in attributes:
        _learn(oracle, other, shapes)


def _taken(oracle: Connection[Any], kind: str) -> tuple[str, ...]:
    """The first few literals that can be cast."""
    return tuple(itertools.islice((text for text in LITERALS if as_taken(oracle, text, kind) is not None), _OF_A_TYPE))


def _keys(source: str) -> tuple[str, ...]:
    """What a source may read out of a document: its literals that are names, paths' parts, and the columns of its records."""
    paths = [part for text in spelled(source) for part in re.findall(r"\w+", text) if re.fullmatch(r"\w+|\{[\w,]+\}|\$[\w.\[\]*]+", text)]
    records = [part.split()[0].strip('"') for columns in _RECORD.findall(source) for part in columns.split(",") if part.split()]
    return tuple(dict.fromkeys([*paths, *records]))[:24]
