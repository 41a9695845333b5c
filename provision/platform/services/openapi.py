"""The OpenAPI document, made from the same table that routes the requests."""

from __future__ import annotations

import re
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from provision.platform.services.answer import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provision.platform.services.operation import Operation

_PARAMETER: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_REF: Final = "#/components/schemas/{name}"
_FORMATS: Final = {"uuid": {"type": "string", "format": "uuid"}}


def template(path: str) -> str:
    """The path as OpenAPI and Prometheus write it: without converters."""
    return _PARAMETER.sub(r"{\1}", path)


def document(name: str, operations: Iterable[Operation[Any]]) -> dict[str, Any]:
    """Describe every operation, and nothing else."""
    table = tuple(operations)
    types = {kind for operation in table for kind in (operation.accepts, operation.answers) if kind not in (NoneType, bytes)} | {Refusal}
    schemas = dict(zip(types, *_schemas(types)[:1], strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(template(operation.path), {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "paths": paths,
        "components": {
            "schemas": _schemas(types)[1],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _schemas(types: Iterable[type]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    return msgspec.json.schema_components(types, ref_template=_REF)


def _operation(operation: Operation[Any], schemas: dict[type, dict[str, Any]]) -> dict[str, Any]:
    described = {
        "summary": operation.summary,
        "operationId": operation.handler.__name__,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": _responses(operation, schemas),
        "security": [] if operation.public else [{"token": []}],
    }
    if operation.method != "GET" and operation.accepts is not NoneType:
        described["requestBody"] = {"required": True, "content": _content(operation.accepts, schemas)}
    return described


def _path_parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _FORMATS.get(converter, {"type": "string"})}
        for name, converter in _PARAMETER.findall(operation.path)
    ]


def _query_parameters(operation: Operation[Any]) -> list[dict[str, Any]]:
    if operation.method != "GET" or operation.accepts is NoneType:
        return []
    schema = msgspec.json.schema(operation.accepts)["$defs"][operation.accepts.__name__]
    required = schema.get("required", [])
    return [{"name": name, "in": "query", "required": name in required, "schema": part} for name, part in schema["properties"].items()]


def _responses(operation: Operation[Any], schemas: dict[type, dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "as asked"}
    if operation.answers is not NoneType:
        answer["content"] = _content(operation.answers, schemas)
    refusal = {"description": "refused", "content": {"application/problem+json": {"schema": schemas[Refusal]}}}
    return {str(operation.status): answer, "default": refusal}


def _content(kind: type, schemas: dict[type, dict[str, Any]]) -> dict[str, Any]:
    if kind is bytes:
        return {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    return {"application/json": {"schema": schemas[kind]}}
