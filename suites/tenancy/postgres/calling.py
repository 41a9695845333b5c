"""What a function is called with: a neighbour's ids, names and wildcards, and what exists nowhere for comparison."""

from __future__ import annotations

import itertools
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from suites.tenancy.postgres.planting import CANARY, new_canary, new_number, new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from psycopg import Connection

    from constat.observe.functions import Function
    from suites.tenancy.postgres.seeds import Seed

MOST_CALLS: Final = 120  # of one function
ROWS: Final = 40  # calls with several values of the same row of the victim's
LITERALS: Final = 12  # of one function's source
_NUMBERS: Final = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"})
_TEXTS: Final = frozenset({"text", "character varying", "character", "name", "citext"})
_POLYMORPHIC: Final = {"any": "text", "anyelement": "text", "anynonarray": "text", "anyarray": "text[]"} | {
    "anycompatible": "text",
    "anycompatiblenonarray": "text",
    "anycompatiblearray": "text[]",
}
# Tried as they are with every type that nothing else is known of; everything, where a type can say so, comes first.
_ANYTHING: Final = (
    *("(,)", "{(,)}", "!x", "0.0.0.0/0", "$", "1", "0", "x", "{}", "()", "(0,0)", "(1,1),(0,0)", "((0,0),(1,1),(1,0))", "{1,1,1}"),
    *("[(0,0),(1,1)]", "<(0,0),1>", "12:00", "1 day", "2026-01-01", "192.0.2.1", "02:00:00:00:00:01", "0/0", "\\x00", "<a/>", "1:1:", ""),
)
_TENANTS: Final = ("tenant_id", "tenant", "organization_id", "organization", "organisation_id", "org_id", "org", "account_id", "company_id")
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


@dataclass(frozen=True)
class Argument:
    """A value of the victim's, and one of the same shape that exists nowhere; the same twice where there is no such pair."""

    existing: Any
    absent: Any


@dataclass(frozen=True)
class Call:
    """One call: with what exists at the neighbour, and with what exists nowhere."""

    existing: tuple[Any, ...]
    absent: tuple[Any, ...]

    @property
    def is_pair(self) -> bool:
        """Whether the two are different calls at all."""
        return self.existing != self.absent


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


@dataclass(frozen=True, kw_only=True)
class _Giver:
    """Whose values are given, and what is known of the function that they are given to."""

    victims: Sequence[Seed]
    tenant: str
    lore: Lore


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


def unknown_types(function: Function, victims: Sequence[Seed], tenant: str, lore: Lore = NOTHING) -> tuple[str, ...]:
    """The types of arguments for which there is nothing to give but NULL."""
    giver = _Giver(victims=victims, tenant=tenant, lore=lore)
    return tuple(kind for kind in dict.fromkeys(function.arguments) if all(one.existing is None for one in _arguments(kind, giver)))


def calls(function: Function, victims: Sequence[Seed], tenant: str, lore: Lore = NOTHING) -> list[Call]:
    """What to call it with: the most telling of each argument together, then words and rows, then each argument's others in turn."""
    giver = _Giver(victims=victims, tenant=tenant, lore=lore)
    choices = [_arguments(kind, giver) for kind in function.arguments]
    firsts = tuple(choice[0] for choice in choices)
    turned = [(*firsts[:place], other, *firsts[place + 1 :]) for place, choice in enumerate(choices) for other in choice[1:]]
    wide = itertools.product(*(choice[:3] for choice in choices)) if len(choices) > 1 else iter(())
    woven = _woven(_worded(function, choices, giver), itertools.islice(_of_a_row(function, giver), ROWS), turned, wide)
    unique: dict[str, tuple[Argument, ...]] = {}
    for one in itertools.chain([firsts], woven):
        unique.setdefault(repr([argument.existing for argument in one]), one)
    return [
        Call(tuple(argument.existing for argument in one), tuple(argument.absent for argument in one))
        for one in itertools.islice(unique.values(), MOST_CALLS)
    ]


def statement(function: Function, values: tuple[Any, ...]) -> sql.Composed:
    """The call, with each value cast to the argument's type."""
    name = sql.Identifier(function.schema, function.name)
    kinds = [_POLYMORPHIC.get(kind.strip('"'), kind) for kind in function.arguments]
    typed = [sql.SQL("{}::{}").format(value, sql.SQL(kind)) for value, kind in zip(values, kinds, strict=True)]
    if function.variadic and typed and function.arguments[-1].strip('"') != "any":
        typed[-1] = sql.SQL("VARIADIC ") + typed[-1]
    given = sql.SQL(", ").join(typed)
    if function.kind == "procedure":
        return sql.SQL("CALL {}({})").format(name, given)
    if function.kind == "function":
        return sql.SQL("SELECT f::text FROM {}({}) AS f").format(name, given)
    if function.kind == "window function":
        return sql.SQL("SELECT ({}({}) OVER ())::text").format(name, given)
    return sql.SQL("SELECT {}({})::text").format(name, given if typed else sql.SQL("*"))


def _woven(*ways: Iterable[tuple[Argument, ...]]) -> Iterator[tuple[Argument, ...]]:
    """One of each in turn, so that no way of choosing is cut off by another's length."""
    for together in itertools.zip_longest(*ways):
        yield from (one for one in together if one is not None)


def _worded(function: Function, choices: list[list[Argument]], giver: _Giver) -> Iterator[tuple[Argument, ...]]:
    """The source's own words for its texts, with the first few ids; a word may be what opens the door."""
    words = [Argument(word, word) for word in giver.lore.literals[:LITERALS]]
    texts = [place for place, kind in enumerate(function.arguments) if kind in _TEXTS]
    for place in texts if words else ():
        others = [words if at == place else choice[: 1 if at in texts else 6] for at, choice in enumerate(choices)]
        yield from itertools.product(*others)
    canaries = [Argument(seed.canary, _elsewhere(seed.canary)) for seed in giver.victims]
    if len(texts) > 1:
        for place in texts:
            others = [words[:3] if at == place else canaries if at in texts else choice[:1] for at, choice in enumerate(choices)]
            yield from itertools.islice(itertools.product(*others), ROWS)


def _of_a_row(function: Function, giver: _Giver) -> Iterator[tuple[Argument, ...]]:
    """Values of one and the same row of the victim's together, those of the argument's name first."""
    if len(function.arguments) > 1:
        names = [*giver.lore.names, *[""] * len(function.arguments)]
        rows = [
            itertools.islice(
                itertools.product(*(_of_seed(kind, name, seed, giver) for kind, name in zip(function.arguments, names, strict=False))), ROWS
            )
            for seed in giver.victims
        ]
        yield from _woven(*rows)


def _of_seed(kind: str, name: str, seed: Seed, giver: _Giver) -> list[Argument]:
    """The row's values that fit the type; where none does, what the type takes anyway."""
    fits = {column: value for column, value in seed.values.items() if _fits(kind, value)}
    plain = re.sub(r"^(p|in|arg)?_", "", name)
    ordered = sorted(fits, key=lambda column: (column != plain, str(fits[column]) == seed.organization_id))
    found = [Argument(str(fits[column]) if kind == "uuid" else fits[column], _nowhere(fits[column])) for column in ordered]
    return found[:5] or _arguments(kind, giver)[:2]


def _fits(kind: str, value: object) -> bool:
    if kind == "uuid":
        return _is_uuid(value)
    if kind in _TEXTS:
        return isinstance(value, str) and bool(value)
    return kind in _NUMBERS and isinstance(value, int) and not isinstance(value, bool)


def _nowhere(value: object) -> object:
    """A value of the same form that nobody has; the same where there is nothing of a canary's in it, for a form alone may be answered."""
    if _is_uuid(value):
        return str(new_uuid())
    if isinstance(value, str):
        return CANARY.sub(lambda found: str(new_uuid()) if "-" in found[0] else new_canary(), value)
    return new_number(8) if _is_drawn(value) else value


def _arguments(kind: str, giver: _Giver) -> list[Argument]:
    """Values for one type; NULL where nobody knows any."""
    plain = _POLYMORPHIC.get(kind.strip('"'), kind)
    if plain.endswith("[]"):
        single = [one for one in _arguments(plain.removesuffix("[]"), giver) if one.existing is not None]
        every = Argument([one.existing for one in single], [one.absent for one in single])
        return [every, *(Argument([one.existing], [one.absent]) for one in single)] if single else [Argument(None, None)]
    return list(_meant(plain, giver)) or list(_accepted(plain, giver)) or [Argument(None, None)]


def _meant(kind: str, giver: _Giver) -> Iterator[Argument]:
    """Values that mean something of the victim's."""
    victims = giver.victims
    if kind == "uuid":
        yield from (Argument(str(value), str(new_uuid())) for value in _uuids(victims))
    elif kind in _TEXTS:
        yield from _texts(victims, giver.tenant)
    elif kind in _NUMBERS:
        numbers = dict.fromkeys(value for seed in victims for value in seed.values.values() if _is_drawn(value))
        yield from (Argument(value, new_number(8)) for value in itertools.islice(numbers, 8))
        yield from (Argument(number, number) for number in (100, 1, 0, -1))
    elif kind in {"json", "jsonb"}:
        yield from _documents(giver)
    elif kind == "tsquery":
        yield from (Argument(f"'{seed.canary}'", f"'{_elsewhere(seed.canary)}'") for seed in victims[:3])
        yield from (Argument(query, query) for query in ("!x", *(f"'{word}':*" for word in _words(victims))))
    elif kind == "regclass":
        yield from (Argument(name, name) for name in dict.fromkeys(f"{seed.relation.schema}.{seed.relation.name}" for seed in victims))
    else:
        yield from (Argument(value, value) for value in _fixed(kind))


def _fixed(kind: str) -> tuple[str, ...]:
    if kind.startswith("timestamp") or kind == "date":
        return ("2000-01-01", "2100-01-01")
    return {"boolean": ("true", "false"), "interval": ("0", "-10 years", "10 years")}.get(kind, ())


def _accepted(kind: str, giver: _Giver) -> Iterator[Argument]:
    """What the server takes for the type: a composite of what its attributes take, or the literals that were tried."""
    shape = giver.lore.shapes.get(kind, Shape())
    yield from itertools.islice(_composites(shape, giver), ROWS)
    stored = [
        value for seed in giver.victims for c in seed.relation.columns if c.base == kind and (value := seed.values.get(c.name)) is not None
    ]
    yield from (Argument(value, value) for value in stored[:3])
    yield from (Argument(value, value) for value in shape.literals)


def _composites(shape: Shape, giver: _Giver) -> Iterator[Argument]:
    """Rows of a composite type: each row's values under the attributes' names, then what the types take and the source spells out."""
    if shape.attributes:
        columns = [_attribute(kind, giver) for _, kind in shape.attributes]
        rows = [
            tuple(_named(name, kind, seed) or column[0] for (name, kind), column in zip(shape.attributes, columns, strict=True))
            for seed in giver.victims
        ]
        wide = itertools.islice(itertools.product(*columns), ROWS)
        for chosen in _woven(rows, wide):
            yield Argument(_record(one.existing for one in chosen), _record(one.absent for one in chosen))


def _attribute(kind: str, giver: _Giver) -> list[Argument]:
    words = [Argument(word, word) for word in giver.lore.literals[:3]] if kind in _TEXTS else []
    return [*words, *_arguments(kind, giver)[:3]]


def _named(name: str, kind: str, seed: Seed) -> Argument | None:
    value = seed.values.get(name)
    return Argument(value, _nowhere(value)) if _fits(kind, value) else None


def _record(values: Iterable[object]) -> str:
    """A row as PostgreSQL reads it: quoted throughout, and nothing for NULL."""
    return "({})".format(",".join("" if value is None else '"' + str(value).replace('"', '""') + '"' for value in values))


def _learn(oracle: Connection[Any], kind: str, shapes: dict[str, Shape]) -> None:
    """Ask the catalogs for labels and attributes, and the server whether it takes one of a few literals."""
    kind = _POLYMORPHIC.get(kind.strip('"'), kind).removesuffix("[]")
    if kind in shapes or kind in _NUMBERS | _TEXTS | {"uuid", "json", "jsonb", "tsquery", "boolean"}:
        return
    row = oracle.execute(_SHAPE, [kind]).fetchone()
    labels, names, kinds = row or ([], [], [])
    attributes = tuple(zip(names, kinds, strict=True))
    shapes[kind] = Shape(literals=tuple(labels) or tuple(_taken(oracle, kind)) * (not attributes), attributes=attributes)
    for _, other in attributes:
        _learn(oracle, other, shapes)


def _taken(oracle: Connection[Any], kind: str) -> Iterator[str]:
    """The first few literals that can be cast."""
    taken = 0
    for value in _ANYTHING:
        try:
            oracle.execute(sql.SQL("SELECT {}::{}::text").format(value, sql.SQL(kind)))
        except psycopg.errors.DatabaseError as problem:
            if problem.sqlstate is None:
                raise
            continue
        yield value
        taken += 1
        if taken == 3:  # noqa: PLR2004 - everything, nothing and something
            return


def _uuids(victims: Sequence[Seed]) -> list[str]:
    own = [seed.organization_id for seed in victims[:1]]
    keys = [str(seed.values[name]) for seed in victims for name in seed.relation.key if _is_uuid(seed.values.get(name))]
    return list(dict.fromkeys([*own, *keys])) or [str(new_uuid())]


def _texts(victims: Sequence[Seed], tenant: str) -> Iterator[Argument]:
    """A canary, a whole value that holds one, an id, the tenant's name, and what is read as a pattern or as SQL."""
    for seed in victims[:3]:
        yield Argument(seed.canary, _elsewhere(seed.canary))
    for whole in _wholes(victims):
        yield Argument(whole, _nowhere(whole))
    for value in (f"{tenant}-agent", tenant):
        yield Argument(value, "".join(secrets.choice("jkqvwxz") for _ in value))
    for seed in victims[:1]:
        yield Argument(seed.organization_id, str(new_uuid()))
    relations = {str(seed.relation) for seed in victims}
    for fixed in ("%", "", "*", ".*", "' OR true --", "true", *sorted(relations)[:10]):
        yield Argument(fixed, fixed)


def _wholes(victims: Sequence[Seed]) -> list[str]:
    """Whole values that hold a canary and more: an address, a link."""
    values = [(seed.canary, value) for seed in victims for value in seed.values.values() if isinstance(value, str)]
    return list(dict.fromkeys(value for canary, value in values if canary in value and canary != value))[:6]


def _words(victims: Sequence[Seed]) -> list[str]:
    texts = " ".join(value for seed in victims for value in seed.values.values() if isinstance(value, str))
    return list(dict.fromkeys(re.findall(r"[a-z]{3,20}", texts.lower())))[:6]


def _keys(source: str) -> tuple[str, ...]:
    """What a source may read out of a document: its literals that are names, paths' parts, and the columns of its records."""
    paths = [part for text in spelled(source) for part in re.findall(r"\w+", text) if re.fullmatch(r"\w+|\{[\w,]+\}|\$[\w.\[\]*]+", text)]
    records = [part.split()[0].strip('"') for columns in _RECORD.findall(source) for part in columns.split(",") if part.split()]
    return tuple(dict.fromkeys([*paths, *records]))[:24]


def _documents(giver: _Giver) -> Iterator[Argument]:
    """Objects with the keys that the source reads: what the victim has under that name, its id, and each row's; alone and in a list."""
    ids = {name: str(value) for seed in giver.victims for name, value in seed.values.items() if _is_uuid(value)}
    own = [seed.organization_id for seed in giver.victims[:1]]
    texts = {name: value for seed in giver.victims for name, value in seed.values.items() if isinstance(value, str) and value}
    tenants = dict.fromkeys((*_TENANTS, *(key for key in giver.lore.keys if key not in ids | texts)), own[0]) if own else {}
    canaries = [dict.fromkeys((*giver.lore.keys, "name", "query"), seed.canary) for seed in giver.victims[:1]]
    rows = [{n: str(v) for n, v in seed.values.items() if _fits("uuid", v) or _fits("text", v)} for seed in giver.victims]
    objects = [tenants | texts | ids, ids, *(dict.fromkeys((*giver.lore.keys, "id"), value) for value in own), *canaries, *rows[:12]]
    for one in objects:
        other = {name: _elsewhere(value) for name, value in one.items()}
        yield Argument(json.dumps(one), json.dumps(other))
        if one in objects[:2]:
            yield Argument(json.dumps([one]), json.dumps([other]))
    yield Argument(json.dumps(own), json.dumps([str(new_uuid()) for _ in own]))
    yield Argument("{}", "{}")


def _elsewhere(text: str) -> object:
    return str(new_uuid()) if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) else _nowhere(text)


def _is_uuid(value: object) -> bool:
    return type(value).__name__ == "UUID"


def _is_drawn(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and str(value).startswith("957") and len(str(value)) > 7  # noqa: PLR2004
