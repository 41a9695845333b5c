"""What the broker holds: exchanges, the consumers' queues with their dead letters, and who may touch what."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Final

VHOST: Final = "viridial"
EXCHANGES: Final = ("property.events", "lead.events", "notification.events")
# Consumer's queue → the exchange whose events it is given.
CONSUMERS: Final = {
    "property-indexer": "property.events",
    "lead-assigner": "lead.events",
    "notification-sender": "notification.events",
}
DEAD: Final = "dead"
NOTHING: Final = "^$"
EVERYTHING: Final = ".*"
# Bounds of one queue; the oldest message goes to the dead letters first.
QUEUE_MESSAGES: Final = 100_000
QUEUE_BYTES: Final = 64 * 1024 * 1024
TENANT_CONNECTIONS: Final = 64
TENANT_CHANNELS: Final = 256

Definitions = dict[str, list[dict[str, Any]]]


def platform(passwords: dict[str, str]) -> Definitions:
    """The platform's own users, exchanges and queues; `passwords` by login: admin, service, monitor."""
    publishes, consumes = _any_of(EXCHANGES), _any_of(_with_dead(tuple(CONSUMERS)))
    return {
        "vhosts": [{"name": VHOST}],
        "users": [
            _user("admin", passwords["admin"], tags=("administrator",)),
            _user("service", passwords["service"]),
            _user("monitor", passwords["monitor"], tags=("monitoring",)),
        ],
        "permissions": [
            _permission("admin", configure=EVERYTHING, write=EVERYTHING, read=EVERYTHING),
            _permission("service", configure=NOTHING, write=publishes, read=consumes),
            _permission("monitor", configure=NOTHING, write=NOTHING, read=NOTHING),
        ],
        "exchanges": [_exchange(name) for name in EXCHANGES],
        "queues": [queue for name in CONSUMERS for queue in _queues(name)],
        "bindings": [_binding(exchange, queue, "#") for queue, exchange in CONSUMERS.items()],
        "policies": [_policy("consumers", consumes)],
    }


def of_tenant(tenant: str, password: str) -> Definitions:
    """A tenant's user, confined to names that begin with its own and a dot, and the queue of its events."""
    own, events = pattern(tenant), f"{tenant}.events"
    limits = {"max-connections": TENANT_CONNECTIONS, "max-channels": TENANT_CHANNELS}
    return {
        "users": [_user(tenant, password) | {"limits": limits}],
        "permissions": [_permission(tenant, configure=own, write=own, read=own)],
        "topic_permissions": [{"user": tenant, "vhost": VHOST, "exchange": name, "write": own, "read": own} for name in EXCHANGES],
        "queues": _queues(events),
        "bindings": [_binding(exchange, events, f"{tenant}.#") for exchange in EXCHANGES],
        "policies": [_policy(tenant, own)],
    }


def pattern(tenant: str) -> str:
    """The names that belong to a tenant; the dot is what keeps t1 out of t10."""
    return rf"^{re.escape(tenant)}\."


def _user(name: str, password: str, *, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "name": name,
        "password_hash": _hashed(name, password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": list(tags),
        "limits": {},
    }


def _hashed(name: str, password: str) -> str:
    """Salt and hash as the server stores them.

    The salt comes from the secret itself, because a hash that differs at every call would
    look like a change of the configuration.
    """
    salt = hashlib.sha256(f"{name}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _permission(user: str, *, configure: str, write: str, read: str) -> dict[str, Any]:
    return {"user": user, "vhost": VHOST, "configure": configure, "write": write, "read": read}


def _exchange(name: str) -> dict[str, Any]:
    return {"name": name, "vhost": VHOST, "type": "topic", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}


def _queues(name: str) -> list[dict[str, Any]]:
    """A durable queue and the one that keeps what it rejects, gives up or has no room for."""
    dead = f"{name}.{DEAD}"
    return [_queue(name, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}), _queue(dead, {})]


def _queue(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {"x-queue-type": "classic", **arguments}}


def _binding(exchange: str, queue: str, routing_key: str) -> dict[str, Any]:
    return {
        "source": exchange,
        "vhost": VHOST,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": routing_key,
        "arguments": {},
    }


def _policy(name: str, queues: str) -> dict[str, Any]:
    """Keep messages on disk and bound every queue."""
    definition = {"max-length": QUEUE_MESSAGES, "max-length-bytes": QUEUE_BYTES, "overflow": "drop-head", "queue-mode": "lazy"}
    return {"name": name, "vhost": VHOST, "pattern": queues, "apply-to": "queues", "priority": 1, "definition": definition}


def _with_dead(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(queue for name in names for queue in (name, f"{name}.{DEAD}"))


def _any_of(names: tuple[str, ...]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"
