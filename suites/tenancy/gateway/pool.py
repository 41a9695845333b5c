"""Hundreds of requests of two tenants at once, with errors, time-outs and disconnections between them."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import socket
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from constat import deadlines
from constat.errors import Unobservable
from constat.observe import http
from suites.tenancy.gateway import judging
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.stage import Stage

AT_ONCE: Final = 8
ROUNDS: Final = 12
# A client that waits this long has gone before the answer comes.
_IMPATIENT: Final = 0.004
# More than proxies keep of a body before they pass it on.
_BUFFER: Final = 32 * 1024
_QUIET: Final = (httpx.HTTPError, OSError)


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One answer, to whom it was given, and what in it was not theirs."""

    tenant: str
    request: Request
    reply: http.Reply
    foreign: tuple[str, ...]
    own: bool  # it shows something of the one who asked


def questions(stage: Stage, resident: Resident) -> Iterator[Request]:
    """What a tenant asks and says in one round: every operation that can be repeated, on its own things."""
    for way in stage.ways:
        if way.public or way.method not in {"GET", "PUT", "POST"}:
            continue
        with contextlib.suppress(Unmakeable):
            request = own(way, resident)
            if request.content is None:
                yield request


def spoiled(request: Request) -> Iterator[Request]:
    """The same, so that it fails: a body that is none, values that the database refuses, an id that is none."""
    if request.body is not None:
        yield Request(method=request.method, path=request.path, places=request.places, content=b'{"title": ', media="application/json")
        yield Request(method=request.method, path=request.path, places=request.places, body=dict.fromkeys(request.body, -1))
        yield Request(method=request.method, path=request.path, places=request.places, body=dict.fromkeys(request.body, "\u0000"))
    else:
        yield Request(method=request.method, path=request.path, places=dict.fromkeys(request.places, "no-id"), query=(("limit", "-1"),))


def crowd(stage: Stage, door: Door, base: str) -> Iterator[Heard]:
    """Both tenants at once, with everything that goes wrong in between; every answer that came.

    Requests for one operation follow each other, each by another tenant than the one before: what is kept of
    one where the next can find it is kept by operation.
    """
    pair = (stage.mine, stage.theirs)
    rounds = [list(zip(*(questions(stage, resident) for resident in pair), strict=True)) for _ in range(ROUNDS // 4)]
    jobs = [
        (resident, other, request)
        for alike in rounds
        for requests in alike
        for _ in range(4)
        for resident, other, request in zip(pair, pair[::-1], requests, strict=True)
    ]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="crowd") as pool:
        for heard in pool.map(lambda job: _one(stage, door, base, *job), zip(itertools.count(), jobs, strict=False)):
            yield from heard
    yield from halves(stage, door, base)


def halves(stage: Stage, door: Door, base: str) -> Iterator[Heard]:
    """Each operation that takes a body, while the body of one tenant's request is half-way and another's comes in between."""
    for one, other in ((stage.mine, stage.theirs), (stage.theirs, stage.mine)):
        pairs = zip(questions(stage, one), questions(stage, other), strict=True)
        for first, second in pairs:
            if first.body is not None:
                yield from _half(stage, door, base, (one, first), (other, second))


def _half(stage: Stage, door: Door, base: str, first: tuple[Resident, Request], second: tuple[Resident, Request]) -> list[Heard]:
    (one, request), (other, between) = first, second
    payload = request.payload or b"{}"
    # White space enough that no buffer on the way waits for the rest.
    padded = payload[:1] + b" " * _BUFFER + payload[1:]
    parts = urlsplit(base)
    line = HTTPSConnection(
        str(parts.hostname), parts.port, context=http.trusting(http.authority(stage.stack)), timeout=deadlines.SERVICE_ANSWERS
    )
    try:
        line.putrequest(request.method, request.line)
        for name, value in {**_headers(request, one.token), "Content-Length": str(len(padded))}.items():
            line.putheader(name, value)
        line.endheaders()
        line.send(padded[:-1])
        heard = [_heard(door, other, one, between)]
        line.send(padded[-1:])
        answer = line.getresponse()
        reply = http.Reply(status=answer.status, headers={k.lower(): v for k, v in answer.getheaders()}, body=answer.read())
    except OSError as problem:
        msg = f"{door.name} hangs up on a body that comes in two parts: {problem}"
        raise Unobservable(msg) from None
    finally:
        line.close()
    return [*heard, _read(one, other, request, reply)]


def _one(stage: Stage, door: Door, base: str, number: int, job: tuple[Resident, Resident, Request]) -> list[Heard]:
    """One request, and before every few a disturbance by the same tenant."""
    resident, other, request = job
    heard = []
    if number % 5 == 0:
        heard += [_heard(door, resident, other, bad) for bad in spoiled(request)]
    if number % 7 == 0:
        impatient(stage, base, request, resident.token)
    if number % 11 == 0:
        hang_up(stage, base, request, resident.token)
    return [*heard, _heard(door, resident, other, request)]


def _heard(door: Door, resident: Resident, other: Resident, request: Request) -> Heard:
    return _read(resident, other, request, door.ask(request, resident.token))


def _read(resident: Resident, other: Resident, request: Request, reply: http.Reply) -> Heard:
    foreign = judging.leaks(request, reply, other.marks - resident.marks)
    shown = (reply.text + "\n".join(reply.headers.values())).lower()
    return Heard(tenant=resident.tenant, request=request, reply=reply, foreign=foreign, own=any(m.lower() in shown for m in resident.marks))


def impatient(stage: Stage, base: str, request: Request, token: str) -> None:
    """Ask, and go before the answer has come."""
    with http.client(http.authority(stage.stack), base, seconds=_IMPATIENT) as client, contextlib.suppress(*_QUIET):
        client.request(request.method, request.line, content=request.payload, headers=_headers(request, token))


def hang_up(stage: Stage, base: str, request: Request, token: str) -> None:
    """Send a request and close the connection at once, half-way through the body where there is one."""
    parts = urlsplit(base)
    payload = request.payload or b""
    lines = [f"{request.method} {request.line} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in _headers(request, token).items()]
    address = (str(parts.hostname), int(parts.port or 0))
    with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
        plain = opened.enter_context(socket.create_connection(address, timeout=deadlines.PROBE_CONNECT))
        line = opened.enter_context(http.trusting(http.authority(stage.stack)).wrap_socket(plain, server_hostname=parts.hostname))
        line.sendall("\r\n".join([*lines, "", ""]).encode() + payload[: len(payload) // 2])


def _headers(request: Request, token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "Content-Type": request.media or "application/json"}
