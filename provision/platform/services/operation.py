"""The table of routes: one row is served, described in OpenAPI and measured."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from provision.platform.services.answer import Answer
    from provision.platform.services.tokens import Caller

Input = TypeVar("Input")

JSON_LIMIT: Final = 128 * 1024


@dataclass(frozen=True, slots=True)
class Call(Generic[Input]):
    """One request: who asks, the path's parameters, the decoded input, and its media type."""

    known: Caller | None
    path: Mapping[str, Any]
    input: Input
    media_type: str

    @property
    def caller(self) -> Caller:
        """Who asks; LookupError in a public operation, which does not know."""
        if self.known is None:
            msg = "a public operation has no caller; declare it with `public=False`"
            raise LookupError(msg)
        return self.known


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[Input]):
    """A method on a path (Starlette's notation).

    `accepts` is decoded from the query (GET) or from a JSON body of at most `limit`
    bytes; `bytes` takes the body as it is, `NoneType` takes nothing.
    """

    method: str
    path: str
    summary: str
    handler: Callable[[Call[Input]], Awaitable[Answer]]
    accepts: type[Input]
    answers: type[object] = NoneType
    status: int = 200
    public: bool = False
    limit: int = JSON_LIMIT
