"""Input of an operation: from the query, from a JSON body, or the body as it is; never more than the limit."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from provision.platform.services.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Receive, Scope

    from provision.platform.services.operation import Operation

    Decode = Callable[[Scope, Receive], Awaitable[Any]]


def decoder(operation: Operation[Any]) -> Decode:
    """Return what reads the operation's input; it raises Problem 413 or 422."""
    if operation.accepts is NoneType:
        return _nothing
    if operation.method == "GET":
        return _from_query(operation.accepts)
    if operation.accepts is bytes:
        return lambda _, receive: _body(receive, operation.limit)
    return _from_json(operation.accepts, operation.limit)


async def _nothing(scope: Scope, receive: Receive) -> None:
    del scope, receive


def _from_query(kind: type[Any]) -> Decode:
    async def decode(scope: Scope, receive: Receive) -> Any:
        del receive
        try:
            pairs = dict(parse_qsl(scope["query_string"].decode("ascii"), keep_blank_values=True, errors="strict"))
            return msgspec.convert(pairs, kind, strict=False)
        except (msgspec.ValidationError, ValueError) as problem:
            raise _not_as_described(problem) from None

    return decode


def _from_json(kind: type[Any], limit: int) -> Decode:
    read = msgspec.json.Decoder(kind).decode

    async def decode(scope: Scope, receive: Receive) -> Any:
        del scope
        body = await _body(receive, limit)
        try:
            return read(body)
        except msgspec.DecodeError as problem:
            raise _not_as_described(problem) from None

    return decode


async def _body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= limit else _too_large(limit)
    parts = bytearray(body)
    while message.get("more_body"):
        message = await receive()
        parts += message.get("body", b"")
        if len(parts) > limit:
            _too_large(limit)
    return bytes(parts)


def _too_large(limit: int) -> bytes:
    raise Problem(413, f"the body has more than {limit} bytes", ((b"connection", b"close"),))


def _not_as_described(problem: Exception) -> Problem:
    # msgspec names the field and the types, not the value.
    detail = str(problem) if isinstance(problem, msgspec.ValidationError) else "it cannot be decoded"
    return Problem(422, f"the input is not as described: {detail}")
