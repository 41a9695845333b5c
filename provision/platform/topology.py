"""What the broker holds: a virtual host for each tenant with its exchanges and queues, and who may touch what."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Final

# The platform's own virtual host, in which no tenant may do anything.
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
    """The platform's own users and their virtual host; `passwords` by login: admin, service, monitor."""
    return {
        "vhosts": [{"name": VHOST}],
        "users": [
            _user("admin", passwords["admin"], tags=("administrator",)),
            _user("service", passwords["service"]),
            _user("monitor", passwords["monitor"], tags=("monitoring",)),
        ],
        "permissions": [
            _permission("admin", VHOST, configure=EVERYTHING, write=EVERYTHING, read=EVERYTHING),
            _permission("service", VHOST, configure=NOTHING, write=NOTHING, read=NOTHING),
            _permission("monitor", VHOST, configure=NOTHING, write=NOTHING, read=NOTHING),
        ],
    }


def of_tenant(tenant: str, password: str, vhost: str) -> Definitions:
    """A tenant's virtual host with the platform's exchanges and consumers, its user, and the queue of its events.

    In there the user is confined to names that begin with its own and a dot; the services
    publish to the exchanges and consume from the consumers' queues.
    """
    own, events = pattern(tenant), f"{tenant}.events"
    publishes, consumes = _any_of(EXCHANGES), _any_of(_with_dead(tuple(CONSUMERS)))
    limits = {"max-connections": TENANT_CONNECTIONS, "max-channels": TENANT_CHANNELS}
    return {
        "vhosts": [{"name": vhost}],
        "users": [_user(tenant, password) | {"limits": limits}],
        "permissions": [
            _permission(tenant, vhost, configure=own, write=own, read=own),
            _permission("admin", vhost, configure=EVERYTHING, write=EVERYTHING, read=EVERYTHING),
            _permission("service", vhost, configure=NOTHING, write=publishes, read=consumes),
            _permission("monitor", vhost, configure=NOTHING, write=NOTHING, read=NOTHING),
        ],
        "topic_permissions": [{"user": tenant, "vhost": vhost, "exchange": name, "write": own, "read": own} for name in EXCHANGES],
        "exchanges": [_exchange(name, vhost) for name in EXCHANGES],
        "queues": [queue for name in (*CONSUMERS, events) for queue in _queues(name, vhost)],
        "bindings": [
            *(_binding(exchange, queue, "#", vhost) for queue, exchange in CONSUMERS.items()),
            *(_binding(exchange, events, f"{tenant}.#", vhost) for exchange in EXCHANGES),
        ],
        "policies": [_policy("consumers", consumes, vhost), _policy(tenant, own, vhost)],
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


def _permission(user: str, vhost: str, *, configure: str, write: str, read: str) -> dict[str, Any]:
    return {"user": user, "vhost": vhost, "configure": configure, "write": write, "read": read}


def _exchange(name: str, vhost: str) -> dict[str, Any]:
    return {"name": name, "vhost": vhost, "type": "topic", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}


def _queues(name: str, vhost: str) -> list[dict[str, Any]]:
    """A durable queue and the one that keeps what it rejects, gives up or has no room for."""
    dead = f"{name}.{DEAD}"
    return [_queue(name, vhost, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}), _queue(dead, vhost, {})]


def _queue(name: str, vhost: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "vhost": vhost, "durable": True, "auto_delete": False, "arguments": {"x-queue-type": "classic", **arguments}}


def _binding(exchange: str, queue: str, routing_key: str, vhost: str) -> dict[str, Any]:
    return {
        "source": exchange,
        "vhost": vhost,
        "destination": queue,
        "destination_type": "queue",
        "routing_key": routing_key,
        "arguments": {},
    }


def _policy(name: str, queues: str, vhost: str) -> dict[str, Any]:
    """Keep messages on disk and bound every queue."""
    definition = {"max-length": QUEUE_MESSAGES, "max-length-bytes": QUEUE_BYTES, "overflow": "drop-head", "queue-mode": "lazy"}
    return {"name": name, "vhost": vhost, "pattern": queues, "apply-to": "queues", "priority": 1, "definition": definition}


def _with_dead(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(queue for name in names for queue in (name, f"{name}.{DEAD}"))


def _any_of(names: tuple[str, ...]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"
