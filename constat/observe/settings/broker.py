"""What the broker runs with: all of its definitions, how it listens, what it is bounded by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.observe import broker as brokers
from constat.observe import http
from constat.settings import flat, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.settings import Settings
    from constat.stack import Broker

# What in a definition makes it that one; the rest is what it is like.
_NAMED_BY: Final = ("user", "component", "vhost", "exchange", "source", "destination_type", "destination", "routing_key", "name")
_KINDS: Final = {
    "users": "user",
    "vhosts": "virtual host",
    "permissions": "right",
    "topic_permissions": "right on topics",
    "policies": "policy",
    "parameters": "parameter",
    "global_parameters": "global parameter",
    "queues": "queue",
    "exchanges": "exchange",
    "bindings": "binding",
}
_WITH_SECRETS: Final = frozenset({"users", "parameters", "global_parameters"})
# Facts of a server that are told to it; the others are counted.
_OF_NODE: Final = (
    "auth_mechanisms",
    "config_files",
    "db_dir",
    "disk_free_limit",
    "enabled_plugins",
    "mem_limit",
    "net_ticktime",
    "log_files",
)


def settings(broker: Broker) -> Settings:
    """Every definition, users with tags and limits too; listeners with their TLS; each server's own bounds."""
    with brokers.management(broker) as client:
        definitions, overview, nodes, limits, bounds = (
            http.expect(http.ask(client, "GET", path), what=path).json()
            for path in ("/api/definitions", "/api/overview", "/api/nodes", "/api/vhost-limits", "/api/user-limits")
        )
    said = dict(pair for kind, listed in definitions.items() if isinstance(listed, list) for one in listed for pair in defined(kind, one))
    for listener in overview["listeners"]:
        said |= flat(listener.get("socket_opts") or {}, f"listener {listener['protocol']} {listener['port']} of {listener['ip_address']}")
    for node in nodes:
        said |= {f"server {name}": text(_ordered(node.get(name))) for name in _OF_NODE}
    return said | {f"limits {limit.get('vhost') or limit.get('user')}": text(limit["value"]) for limit in (*limits, *bounds)}


def defined(kind: str, one: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """One definition: its name, and everything that it is like."""
    subject = f"{_KINDS.get(kind, kind)} {'/'.join(str(one[part]) for part in _NAMED_BY if one.get(part) not in (None, ''))}"
    rest = {key: value for key, value in one.items() if key not in _NAMED_BY}
    if kind in _WITH_SECRETS:
        yield from flat(rest, subject)
    else:
        yield subject, text(rest)


def _ordered(value: Any) -> Any:
    names = [item["name"] if isinstance(item, dict) else item for item in value] if isinstance(value, list) else value
    return sorted(names, key=str) if isinstance(names, list) else names
