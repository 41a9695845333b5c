"""A service as an ASGI application: one resource a path, the same steps for every request."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import traceback
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.routing import Route, Router

from provision.platform.services import presented
from provision.platform.services.answer import Answer, encode, json, refusal
from provision.platform.services.decoding import decoder
from provision.platform.services.dependency import Dependency, Readiness, Watch
from provision.platform.services.meter import MEDIA_TYPE, Meter
from provision.platform.services.openapi import document, template
from provision.platform.services.operation import Call, Operation
from provision.platform.services.problem import Problem, not_found, unauthorized

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import Receive, Scope, Send

    from provision.platform.services.decoding import Decode
    from provision.platform.services.tokens import Caller, Verifier

LOG: Final = logging.getLogger(__name__)
_HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True, kw_only=True)
class Service:
    """What makes a service: its name, its rows of the table, what stands behind it, whom it believes."""

    name: str
    operations: tuple[Operation[Any], ...]
    dependencies: tuple[Dependency, ...]
    verifier: Verifier


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    service: str
    alive: bool = True


def application(service: Service) -> Router:
    """Make the ASGI application of a service."""
    meter = Meter()
    operations = (*service.operations, *_own_operations(service, meter))
    by_path = itertools.groupby(sorted(operations, key=lambda operation: operation.path), key=lambda operation: operation.path)
    routes = [Route(path, Resource(template(path), tuple(rows), verifier=service.verifier, meter=meter)) for path, rows in by_path]
    nowhere = Resource("none", (), verifier=service.verifier, meter=meter)
    return Router(routes, redirect_slashes=False, default=nowhere, lifespan=_lifespan(service))


class Resource:
    """One path: finds the operation, knows the caller, decodes, answers, measures."""

    def __init__(self, route: str, operations: tuple[Operation[Any], ...], *, verifier: Verifier, meter: Meter) -> None:
        """Take the operations of one path."""
        self._route = route
        self._operations = {operation.method: (operation, decoder(operation)) for operation in operations}
        self._allow = ", ".join(self._operations).encode()
        self._verifier = verifier
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = perf_counter()
        answer = await self._answer(scope, receive)
        headers = [*_described(answer), *_HEADERS, *answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        method = scope["method"] if scope["method"] in self._operations else "other"
        self._meter.observe(method, self._route, answer.status, perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        try:
            operation, decode = self._find(scope["method"])
            caller, media_type = (None, b"") if operation.public else await self._caller(scope)
            value = await decode(scope, receive)
            return await operation.handler(Call(caller, scope.get("path_params", {}), value, media_type.decode("latin-1")))
        except Problem as problem:
            return refusal(problem)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the client learns nothing of it
            LOG.error("%s %s failed: %s", scope["method"], self._route, _place(problem))  # noqa: TRY400 - its text may hold a tenant's data
            return refusal(Problem(500, "the service failed"))

    def _find(self, method: str) -> tuple[Operation[Any], Decode]:
        found = self._operations.get(method)
        if found is None:
            raise Problem(405, "no such method here", ((b"allow", self._allow),)) if self._operations else not_found()
        return found

    async def _caller(self, scope: Scope) -> tuple[Caller, bytes]:
        said = presented.read(scope["headers"])
        if said.token is None:
            raise unauthorized(presented.EXPECTED)
        caller = await self._verifier.caller(said.token)
        presented.agree(said, caller)
        return caller, said.media_type


def _described(answer: Answer) -> tuple[tuple[bytes, bytes], ...]:
    if answer.status == HTTPStatus.NO_CONTENT:
        return ()
    return ((b"content-length", b"%d" % len(answer.body)), (b"content-type", answer.media_type))


def _place(problem: Exception) -> str:
    """The kind of an exception and where it came from, without its message."""
    frame, line = list(traceback.walk_tb(problem.__traceback__))[-1]
    return f"{type(problem).__name__} at {frame.f_code.co_filename}:{line}"


def _log_stray(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong outside of any request in one line, without the values that a traceback would show."""
    del loop
    LOG.error("%s: %s", context["message"], type(context.get("exception")).__name__)


def _own_operations(service: Service, meter: Meter) -> tuple[Operation[Any], ...]:
    watch = Watch(service.dependencies)

    async def health(call: Call[None]) -> Answer:
        del call
        return json(Alive(service.name))

    async def ready(call: Call[None]) -> Answer:
        del call
        found = await watch.readiness()
        return json(found, 200 if found.ready else 503)

    async def metrics(call: Call[None]) -> Answer:
        del call
        return Answer(200, meter.exposition(), MEDIA_TYPE)

    async def openapi(call: Call[None]) -> Answer:
        del call
        return Answer(200, described)

    rows = (
        _row("/health", "Whether the process answers.", health, Alive),
        _row("/ready", "Whether the servers behind it answer, and which does not.", ready, Readiness),
        _row("/metrics", "Counters for Prometheus.", metrics, bytes),
        _row("/openapi.json", "This document.", openapi, dict),
    )
    described = encode(document(service.name, (*service.operations, *rows)))
    return rows


def _row(path: str, summary: str, handler: Callable[[Call[None]], Awaitable[Answer]], answers: type[object]) -> Operation[None]:
    return Operation(method="GET", path=path, summary=summary, handler=handler, accepts=NoneType, answers=answers, public=True)


def _lifespan(service: Service) -> Callable[[Any], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(_log_stray)
        async with contextlib.AsyncExitStack() as opened:
            for dependency in service.dependencies:
                await dependency.open()
                opened.push_async_callback(dependency.close)
            yield

    return lifespan
