"""The smallest value that a JSON Schema allows, so that a route is attacked without anybody writing a request for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEEPEST: Final = 8
_UUID: Final = "00000000-0000-4000-8000-000000000000"
_SCALARS: Final = {"integer": 1, "number": 1.0, "boolean": True, "null": None}


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, depth: int = 0) -> Any:
    """A value of the schema; `schemas` are those that it may refer to."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth=depth)
    for known in ("default", "const"):
        if known in schema:
            return schema[known]
    if choices := schema.get("enum"):
        return choices[0]
    if alternatives := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return example(alternatives[0], schemas, depth=depth)
    return _of_type(schema, schemas, depth)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", ()) if depth < _DEEPEST else ()
        return {name: example(schema.get("properties", {}).get(name, {}), schemas, depth=depth + 1) for name in wanted}
    if kind == "array":
        return [example(schema.get("items", {}), schemas, depth=depth + 1)] if schema.get("minItems") else []
    if kind == "string":
        return _UUID if schema.get("format") == "uuid" else "a" * max(1, int(schema.get("minLength", 1)))
    return max(_SCALARS.get(kind, 1), schema.get("minimum", 1)) if kind in {"integer", "number"} else _SCALARS.get(kind)
