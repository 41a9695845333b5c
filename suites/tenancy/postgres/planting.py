"""What a row is planted with: for each column the values to try, the one that holds a canary first."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from suites.tenancy.postgres.literals import LITERALS

if TYPE_CHECKING:
    from constat.observe.relations import Column, Relation

# Every canary begins with it, so that what a killed run left behind is found again.
MARK: Final = "c0957a7e"
# A text, or a uuid, that carries the mark.
CANARY: Final = re.compile(rf"{MARK}(?:[0-9a-f]{{16}}|(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")
_DIGITS: Final = "957"
_LONG: Final = 8  # digits that nobody else has by chance
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TEXTS: Final = frozenset({"text", "character varying", "character", "citext", "name", '"char"'})
_DIGITS_OF: Final = {"smallint": 3, "integer": 8, "bigint": 17, "numeric": 17, "real": 6, "double precision": 14, "oid": 8, "money": 12}
_HASH: Final = "$2a$10$nG5Q77qlBKC2/amP5CUT3.PhZhT5nnzdJvD4ADC0D5lT9fMdnOAbu"  # bcrypt, of a random value that nobody kept
_LITERALS: Final[dict[str, tuple[str, ...]]] = {
    "date": ("2026-01-01",),
    "time without time zone": ("12:00",),
    "time with time zone": ("12:00+00",),
    "interval": ("1 day",),
    "inet": ("192.0.2.1",),
    "cidr": ("192.0.2.0/24",),
    "macaddr": ("02:00:00:00:00:01",),
    "macaddr8": ("02:00:00:ff:fe:00:00:01",),
    "point": ("(0,0)",),
    "box": ("(1,1),(0,0)",),
    "line": ("{1,1,1}",),
    "lseg": ("[(0,0),(1,1)]",),
    "path": ("[(0,0),(1,1)]",),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "circle": ("<(0,0),1>",),
    "pg_lsn": ("0/0",),
    "tsquery": ("x",),
    "ltree": ("x",),
    "jsonpath": ("$",),
}

_WIDEST: Final = 16000  # what a vector may have, and more than any column of bits
_WIDTH: Final = re.compile(r"\((\d+)\)$")


def new_canary() -> str:
    """A value to recognise a row by: 24 hexadecimal digits."""
    return MARK + secrets.token_hex(8)


def new_uuid() -> uuid.UUID:
    """A uuid (version 4) that begins with the mark."""
    drawn = str(uuid.uuid4())
    return uuid.UUID(MARK + drawn[8:])


def new_number(digits: int) -> int:
    """A number of at most that many digits that nobody else has."""
    return int((_DIGITS + "".join(secrets.choice("0123456789") for _ in range(max(0, digits - len(_DIGITS)))))[: max(1, digits)])


def holds_canary(column: Column) -> bool:
    """Whether text of one's own choice fits into the column."""
    return not column.labels and (column.base in TEXTS or column.base in {"jsonb", "json", "bytea", "text[]", "xml", "hstore", "tsvector"})


def candidates(column: Column, canary: str) -> tuple[Any, ...]:
    """The values to try for a column, the most telling first; empty when nobody knows any."""
    if column.labels:
        return column.labels
    if column.base in TEXTS:
        return _texts(column, canary)
    if column.base in _DIGITS_OF:
        return _numbers(column)
    return _others(column, canary)


def guesses(shown_type: str) -> tuple[str, ...]:
    """Texts that could be values of a type that nobody knows, as wide as its name says: `bit(3)`, `vector(8)`."""
    found = _WIDTH.search(shown_type)
    width = min(int(found[1]), _WIDEST) if found else 1
    bits = "".join(secrets.choice("01") for _ in range(width))
    return (bits, f"[{','.join('1' * width)}]", *LITERALS)


def tellings(relation: Relation, tenant_column: str, values: dict[str, Any], canary: str) -> str:
    """What a stored row can be recognised by: its canary, else a value of its own, else one that it refers to."""
    shown = {name: str(value) for name, value in values.items() if value is not None and name != tenant_column}
    if any(canary in text for text in shown.values()):
        return canary
    referring = {name for reference in relation.references for name in reference.columns}
    own = [text for name, text in shown.items() if name not in referring and _is_telling(text)]
    borrowed = [text for name, text in shown.items() if name in referring and _is_telling(text)]
    return next(iter([*own, *borrowed]), "")


def _is_telling(text: str) -> bool:
    """Whether nobody else has it by chance: a uuid, or a number that was drawn for it."""
    return UUID.fullmatch(text) is not None or (text.startswith(_DIGITS) and len(text) >= _LONG)


def _texts(column: Column, canary: str) -> tuple[str, ...]:
    likely = tuple(_like(constant, canary) for constant in column.constants)
    shapes = (
        canary,
        f"{canary}@example.org",
        f"https://example.org/{canary}",
        f"/{canary}",
        canary.upper(),
        f"C{canary[1:]}",
        "+" + str(new_number(11)),
        str(new_number(9)),
        "2026-01-01",
        "EUR",
        "x",
    )
    length = column.length
    fitting = tuple(text if length is None else text[:length] for text in shapes)
    return likely + fitting


def _like(constant: str, canary: str) -> str:
    """What a constraint's constant stands for: a pattern is filled, and what begins as a password's hash is one."""
    return _HASH if constant.startswith("$2") and "%" in constant else constant.replace("%", canary)


def _numbers(column: Column) -> tuple[int, ...]:
    digits = min(_DIGITS_OF[column.base], column.precision if column.precision is not None else 99)
    likely = tuple(int(constant) for constant in column.constants if constant.isdigit())
    return (*likely, new_number(digits), 1, 0, 50)


def _others(column: Column, canary: str) -> tuple[Any, ...]:
    if column.base.startswith("timestamp"):
        return ("2026-01-01",)
    if column.category == "A":
        return ([canary], []) if column.base == "text[]" else ([],)
    if column.category == "R":
        return ("{}",) if "multi" in column.base else ("empty", "[,)")
    return _drawn(canary).get(column.base) or _LITERALS.get(column.base, ())


def _drawn(canary: str) -> dict[str, tuple[Any, ...]]:
    """Values that carry the canary, or that nobody else has."""
    documents = (Jsonb({"canary": canary}), Jsonb([canary]), Jsonb(canary))
    return {
        "uuid": (new_uuid(),),
        "boolean": (False, True),
        "jsonb": documents,
        "json": documents,
        "bytea": (canary.encode(),),
        "xml": (f"<c>{canary}</c>",),
        "hstore": (f"canary=>{canary}",),
        "tsvector": (canary,),
    }
