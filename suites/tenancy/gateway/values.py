"""Values that a JSON Schema allows, with a tenant's own mark in every text: what the permitted twin is made of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Protocol

from constat.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping

UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DEEPEST: Final = 8
_SCALARS: Final = {"boolean": True, "null": None}
# What texts of a form usually look like, should the tenant's own not fit.
_EXAMPLES: Final = (
    *("a", "aa", "aaa", "A", "A1", "1", "12", "123456", "abc_def", "abc-def"),
    *("2026-01-01", "2026-01-01T00:00:00Z", "12:00:00", "tenant@example.org", "https://example.org/", "192.0.2.1", "+33100000000"),
)
_FORMATS: Final = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "12:00:00Z",
    "email": "{}@example.org",
    "uri": "https://example.org/{}",
    "ipv4": "192.0.2.1",
    "binary": "{}",
}


class Unmakeable(TargetError):
    """No value that the description allows could be made; the message says of what."""


class Owner(Protocol):
    """Whose values they are."""

    def word(self) -> str:
        """A text by which the owner is recognised."""

    def known(self, name: str, form: str) -> str | None:
        """A value that the owner has for a field of that name and format: an id of its own, its login."""


def filled(schema: Mapping[str, Any], schemas: Mapping[str, Any], owner: Owner, *, name: str = "", depth: int = 0) -> Any:
    """A value of the schema; raises Unmakeable when its description is not enough to make one."""
    if "$ref" in schema:
        return filled(schemas[schema["$ref"].rpartition("/")[2]], schemas, owner, name=name, depth=depth)
    if "const" in schema:
        return schema["const"]
    if choices := schema.get("enum"):
        return choices[0]
    if parts := schema.get("allOf"):
        return _merged([filled(part, schemas, owner, name=name, depth=depth) for part in parts])
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        wanted = [part for part in alternatives if part.get("type") != "null"] or alternatives
        return filled(wanted[0], schemas, owner, name=name, depth=depth)
    return _of_type(schema, schemas, owner, name, depth)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], owner: Owner, name: str, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    if kind == "object":
        return _object(schema, schemas, owner, depth)
    if kind == "array":
        return [filled(schema.get("items", {}), schemas, owner, name=name, depth=depth + 1)] if depth < _DEEPEST else []
    if kind == "string":
        return text(schema, owner, name)
    if kind in {"integer", "number"}:
        return number(schema)
    return _SCALARS.get(kind)


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], owner: Owner, depth: int) -> dict[str, Any]:
    if depth >= _DEEPEST:
        return {}
    if not schema.get("properties"):
        return {"note": owner.word()}
    required, made = set(schema.get("required", ())), {}
    for name, part in schema["properties"].items():
        try:
            made[name] = filled(part, schemas, owner, name=name, depth=depth + 1)
        except Unmakeable:
            if name in required:
                raise
    return made


def _merged(values: list[Any]) -> Any:
    if not all(isinstance(value, dict) for value in values):
        return values[0]
    return {name: value for part in values for name, value in part.items()}


def number(schema: Mapping[str, Any]) -> float | int:
    """A small number within the schema's bounds."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1))
    value = max(low, min(1, high)) if low <= 1 else low
    return int(value) if schema.get("type") == "integer" else float(value)


def text(schema: Mapping[str, Any], owner: Owner, name: str) -> str:
    """A text of the schema that is the owner's where that is allowed; raises Unmakeable when none is known to fit."""
    form = schema.get("format", "")
    if (known := owner.known(name, form)) is not None and fits(known, schema):
        return known
    if form == "uuid":
        msg = f"{name!r} is the id of something, and no operation has made one"
        raise Unmakeable(msg)
    word = owner.word()
    offered = (_FORMATS[form].format(word),) if form in _FORMATS else (word, word[: schema.get("maxLength", len(word))], *_EXAMPLES)
    fitting = next((candidate for candidate in offered if fits(candidate, schema)), None)
    if fitting is None:
        msg = f"no text is known for {name!r}, which is described by {schema!r}"
        raise Unmakeable(msg)
    return fitting


def fits(candidate: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is as its description says."""
    if schema.get("format") == "uuid" and not UUID.fullmatch(candidate):
        return False
    within = schema.get("minLength", 0) <= len(candidate) <= schema.get("maxLength", len(candidate))
    return within and re.search(schema.get("pattern", ""), candidate) is not None
