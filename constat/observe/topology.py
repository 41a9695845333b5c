"""What a broker holds, in every virtual host: exchanges, queues, bindings, users and their rights, as its administrator sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from constat.observe import broker as brokers
from constat.observe import http

if TYPE_CHECKING:
    import httpx

    from constat.stack import Broker


@dataclass(frozen=True, kw_only=True)
class Part:
    """A queue or an exchange."""

    kind: str  # queue, exchange
    vhost: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Right:
    """What a user may do in a virtual host, as three patterns of names."""

    user: str
    vhost: str
    configure: str
    write: str
    read: str

    def reaches(self, part: Part) -> bool:
        """Whether any of the patterns lets the user at it."""
        patterns = (self.configure, self.write, self.read)
        return part.vhost == self.vhost and any(re.search(pattern, part.name) for pattern in patterns)


@dataclass(frozen=True, kw_only=True)
class User:
    """A user and what the management API knows it as."""

    name: str
    tags: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Everything at one moment."""

    vhosts: tuple[str, ...]
    parts: tuple[Part, ...]
    rights: tuple[Right, ...]
    users: tuple[User, ...]
    protocols: frozenset[str]

    def within(self, vhost: str, kind: str) -> tuple[str, ...]:
        """The names of all queues or exchanges of a virtual host."""
        return tuple(part.name for part in self.parts if part.vhost == vhost and part.kind == kind)


def topology(broker: Broker) -> Topology:
    """Ask for all of it; Unobservable when the management API does not answer."""
    with brokers.management(broker) as client:
        parts = [
            Part(kind=kind, vhost=str(item["vhost"]), name=str(item["name"]))
            for kind in ("queue", "exchange")
            for item in _all(client, f"/api/{kind}s?columns=vhost,name")
        ]
        return Topology(
            vhosts=tuple(str(item["name"]) for item in _all(client, "/api/vhosts?columns=name")),
            parts=tuple(parts),
            rights=tuple(_right(item) for item in _all(client, "/api/permissions")),
            users=tuple(User(name=str(item["name"]), tags=_tags(item["tags"])) for item in _all(client, "/api/users")),
            protocols=frozenset(str(item["protocol"]) for item in _get(client, "/api/overview")["listeners"]),
        )


def definitions(broker: Broker) -> dict[str, list[dict[str, Any]]]:
    """The whole configuration, as the server exports it."""
    with brokers.management(broker) as client:
        return {name: value for name, value in _get(client, "/api/definitions").items() if isinstance(value, list)}


def _right(item: dict[str, Any]) -> Right:
    return Right(user=item["user"], vhost=item["vhost"], configure=item["configure"], write=item["write"], read=item["read"])


def _tags(tags: Any) -> frozenset[str]:
    return frozenset(tags if isinstance(tags, list) else filter(None, str(tags).split(",")))


def _all(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    return list(_get(client, path))


def _get(client: httpx.Client, path: str) -> Any:
    return http.expect(http.ask(client, "GET", path), what=path).json()
