"""A server whose delays are known: the control stream's other end, and a property API to try the generator on.

    python -m load.stub --api exponential:40 --control-ms 20 [--cert FILE --key FILE]

It listens on a free port of the loopback and prints that port.  `/control` answers after
exactly the fixed delay; everything below `/api/` after the next delay of the distribution.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import ssl
import sys
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from constat.wait import pause
from load.delays import parse_delays
from load.priority import run_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS: Final = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found"}
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    token: str
    body: bytes


@dataclass(frozen=True)
class Said:
    """A status and a JSON body."""

    status: int
    body: bytes = b""


@dataclass(frozen=True)
class PropertyApi:
    """As much of the property API as the load needs, in memory; a token is its user's name."""

    held: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        """Answer what a tenant asks."""
        if asked.path == "/api/identity/token":
            return _json(200, {"access_token": json.loads(asked.body)["user"]})
        mine = self.held.setdefault(asked.token, {})
        if asked.path == "/api/search":
            words = asked.query["q"][0].split()
            return _json(200, {"items": [one for one in mine.values() if all(word in json.dumps(one) for word in words)]})
        if asked.path == "/api/properties":
            return self._create(mine, asked) if asked.method == "POST" else self._page(mine, asked)
        return self._one(mine, asked)

    def _create(self, mine: dict[str, dict[str, str]], asked: Asked) -> Said:
        one = {"id": str(uuid.uuid4()), **json.loads(asked.body)}
        mine[one["id"]] = one
        return _json(201, one)

    def _page(self, mine: dict[str, dict[str, str]], asked: Asked) -> Said:
        after, limit = asked.query.get("after", [""])[0], int(asked.query.get("limit", ["50"])[0])
        newest = list(reversed(mine))
        start = newest.index(after) + 1 if after in mine else 0
        ids = newest[start : start + limit]
        return _json(200, {"items": [mine[name] for name in ids], "after": ids[-1] if len(ids) == limit else None})

    def _one(self, mine: dict[str, dict[str, str]], asked: Asked) -> Said:
        name = asked.path.rsplit("/", 1)[-1]
        if name not in mine:
            return _json(404, {"title": "there is no such thing"})
        if asked.method == "DELETE":
            del mine[name]
            return Said(204)
        return _json(200, mine[name])


class Misses(NamedTuple):
    """What becomes of each request of the API, one after the other: its delay (seconds), whether it is dropped, whether all stand still."""

    delays: Iterator[float]
    drops: Iterator[bool]
    stalls: Iterator[None]


def _stalls(after: int, seconds: float) -> Iterator[None]:
    """The whole server stands still once, after so many requests (0: never)."""
    for count in itertools.count(1):
        if count == after:
            pause(seconds)
        yield


class Connection(asyncio.Protocol):
    """One client: requests one after the other, each answered after its delay."""

    def __init__(self, api: PropertyApi, misses: Misses, *, control_delay: float) -> None:
        """Share the API and what it does wrong with the other connections; seconds."""
        self._api = api
        self._delays, self._drops, self._stalls = misses
        self._control_delay = control_delay
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the request is complete."""
        self._pending += data
        head, end, rest = self._pending.partition(_HEAD_END)
        if not end or len(rest) < (length := _length(head)):
            return
        self._pending = rest[length:]
        self._answer(_asked(head, rest[:length]))

    def _answer(self, asked: Asked) -> None:
        loop = asyncio.get_running_loop()
        if asked.path == "/control":
            loop.call_later(self._control_delay, self._send, Said(200, b"{}"))
            return
        next(self._stalls)
        if asked.method == "GET" and next(self._drops):
            self._transport.close()
        else:
            loop.call_later(next(self._delays), self._send, self._api.answer(asked))

    def _send(self, said: Said) -> None:
        fields = f"content-type: application/json\r\ncontent-length: {len(said.body)}\r\n\r\n"
        self._transport.write(f"HTTP/1.1 {said.status} {_REASONS[said.status]}\r\n{fields}".encode() + said.body)


def _json(status: int, document: object) -> Said:
    return Said(status, json.dumps(document).encode())


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip().decode()
    return ""


def _length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _asked(head: bytes, body: bytes) -> Asked:
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    url = urlsplit(target)
    token = _header(head, b"authorization").removeprefix("Bearer ")
    return Asked(method, url.path, parse_qs(url.query), token, body)


async def _serve(arguments: argparse.Namespace) -> None:
    context = None
    if arguments.cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.cert, arguments.key)
    api = PropertyApi()
    drops = itertools.cycle([True] + [False] * (arguments.drop_every - 1)) if arguments.drop_every else itertools.repeat(object=False)
    misses = Misses(parse_delays(arguments.api).sequence(arguments.seed), drops, _stalls(arguments.stall_after, arguments.stall_seconds))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(api, misses, control_delay=arguments.control_ms / 1000), "127.0.0.1", 0, ssl=context, backlog=1024
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--api", default="constant:0", help="distribution of the API's delays")
    parser.add_argument("--control-ms", type=float, default=20.0, help="the control path's fixed delay")
    parser.add_argument("--drop-every", type=int, default=0, help="close the connection of every n-th GET instead of answering")
    parser.add_argument("--stall-after", type=int, default=0, help="stand still once, after so many requests of the API")
    parser.add_argument("--stall-seconds", type=float, default=1.0, help="for how long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cert", help="certificate (PEM); without it the stub speaks plain HTTP")
    parser.add_argument("--key", help="its private key (PEM)")
    arguments = parser.parse_args()
    run_ahead()
    asyncio.run(_serve(arguments))


if __name__ == "__main__":
    main()
