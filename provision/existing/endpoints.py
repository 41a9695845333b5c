"""Which addresses a stack names, and whether something answers there."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from constat import deadlines

if TYPE_CHECKING:
    from constat.stack import Stack

_PORTS = {"https": 443, "http": 80, "rediss": 6379, "redis": 6379, "amqps": 5671, "amqp": 5672}


def endpoints(stack: Stack) -> dict[str, tuple[str, int]]:
    """Where each capability is said to answer: (host, port)."""
    urls = dict(stack.services)
    for name, part, field in (
        ("objects", stack.objects, "endpoint"),
        ("cache", stack.cache, "url"),
        ("broker", stack.broker, "amqp_url"),
        ("vault", stack.vault, "url"),
        ("gateway", stack.gateway, "url"),
        ("metrics", stack.metrics, "prometheus"),
    ):
        if part is not None:
            urls[name] = getattr(part, field)
    found = {name: _address(url) for name, url in urls.items()}
    if stack.postgres is not None:
        found["postgres"] = _database(stack.postgres.app_dsn)
        found["pooler"] = _database(stack.postgres.pooler_dsn)
    return found


def unreachable(stack: Stack) -> list[str]:
    """What does not answer, each with the reason."""
    return [problem for name, address in endpoints(stack).items() if (problem := _try(name, address))]


def _try(name: str, address: tuple[str, int]) -> str:
    try:
        with socket.create_connection(address, timeout=deadlines.PROBE_CONNECT):
            return ""
    except OSError as problem:
        return f"{name}: nothing answers at {address[0]}:{address[1]} ({problem.strerror or problem}); start it, or correct the stack file"


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)


def _database(dsn: str) -> tuple[str, int]:
    parts = conninfo_to_dict(dsn)
    return str(parts.get("host", "")), int(parts.get("port") or 5432)
