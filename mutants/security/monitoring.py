"""Defects of web servers that read their files anew while they run: the monitoring's logins, the gateway's routes."""

from __future__ import annotations

import functools
import re
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat.errors import Unobservable
from constat.observe import http
from mutants.security.files import directory, edited

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Stack

# bcrypt of `prometheus`, at the lowest cost.
_WELL_KNOWN: Final = "$2b$04$cR39uecZvz3rI6VMxOo23.nIR/diFQFaFluhYI/H2hWyHg15Gxvau"
_OK: Final = 200
_REFERRER: Final = "        referrerPolicy: no-referrer\n"
_EVERY_ORIGIN: Final = """\
        accessControlAllowOriginListRegex: ["https://.*"]
        accessControlAllowMethods: [GET, POST, PUT, PATCH, DELETE]
        accessControlAllowHeaders: ["*"]
        accessControlAllowCredentials: true
"""
_ORIGIN: Final = "https://demonstration.invalid"


def _configuration(stack: Stack, *, node: str) -> Path:
    return directory(stack, node) / "web.config.yml"


def _unasked(stack: Stack) -> None:
    """Nothing to do: the server reads the file anew by itself."""
    del stack


def _answers(stack: Stack, *, node: str, login: tuple[str, str] | None = None) -> bool:
    listener = next(listener for listener in stack.listeners if listener.node == node and listener.name == "web")
    with http.client(http.authority(stack), f"https://{listener.host}:{listener.port}", login=login) as client:
        return http.ask(client, "GET", "/metrics").status == _OK


def _without_logins(text: str) -> str:
    return re.sub(r"(?ms)^basic_auth_users:\n(  .*\n?)+", "", text)


def _with_well_known(text: str) -> str:
    return f"{text.rstrip()}\n  prometheus: {_WELL_KNOWN}\n"


def _gateway(stack: Stack) -> Path:
    return directory(stack, "gateway") / "dynamic.yml"


def _gateway_speaks_clear_text(stack: Stack) -> bool:
    """Whether the clients' entry point says anything to a client that speaks no TLS."""
    parts = urlsplit(stack.gateway.url if stack.gateway else "")
    try:
        with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=3) as line:
            line.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return bool(line.recv(1))
    except OSError:
        return False  # hung up on


def _gateway_repeats_origins(stack: Stack) -> bool:
    if stack.gateway is None:
        msg = "the stack has no gateway"
        raise Unobservable(msg)
    with http.client(stack.gateway.ca, stack.gateway.url) as client:
        reply = http.ask(client, "GET", "/health/property", headers={"Origin": _ORIGIN})
    return reply.headers.get("access-control-allow-origin") == _ORIGIN


MUTANTS: Final = (
    edited(
        "MUT-SEC-ANO-05",
        "Prometheus lost its login when the file was written by a new template",
        controls=("SEC-ANO-01",),
        path=functools.partial(_configuration, node="prometheus"),
        change=_without_logins,
        reload=_unasked,
        holds=functools.partial(_answers, node="prometheus"),
    ),
    edited(
        "MUT-SEC-ANO-06",
        "an exporter answers everybody, although it promises a login",
        controls=("SEC-ANO-01",),
        path=functools.partial(_configuration, node="node-exporter"),
        change=_without_logins,
        reload=_unasked,
        holds=functools.partial(_answers, node="node-exporter"),
    ),
    edited(
        "MUT-SEC-TLS-02",
        "the gateway's rule for clients in clear was taken for a left-over, and removed",
        controls=("SEC-TLS-01",),
        path=_gateway,
        change=lambda text: re.sub(r"(?ms)^tcp:\n.*\Z", "", text),
        reload=_unasked,
        holds=_gateway_speaks_clear_text,
    ),
    edited(
        "MUT-SEC-COR-01",
        "every origin is let in at the gateway, since the new front end was blocked in a demonstration",
        controls=("SEC-COR-01",),
        path=_gateway,
        change=lambda text: text.replace(_REFERRER, _REFERRER + _EVERY_ORIGIN),
        reload=_unasked,
        holds=_gateway_repeats_origins,
    ),
    edited(
        "MUT-SEC-DEF-01",
        "a login of a tutorial was left in Prometheus: user prometheus, password prometheus",
        controls=("SEC-DEF-01",),
        path=functools.partial(_configuration, node="prometheus"),
        change=_with_well_known,
        reload=_unasked,
        holds=functools.partial(_answers, node="prometheus", login=("prometheus", "prometheus")),
    ),
)
