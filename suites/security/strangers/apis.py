"""Strangers at the APIs of the operators' own tools: those that change a cluster, and those that show everything."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.observe import http, metrics
from suites.security.approach import OK, PUBLIC, acts, named, required
from suites.security.strangers import web

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.attempt import Admission
    from constat.stack import Listener
    from suites.security.approach import Act, Ground

    Request = tuple[str, str, bytes | None]

REFUSALS: Final = frozenset({"http 401", "http 403"})
# Patroni's REST API; each would change nothing, or be found wanting, if it were let in.
_CLUSTER: Final[tuple[Request, ...]] = (
    ("PATCH", "/config", b"{}"),
    ("POST", "/switchover", b'{"leader": "constat-stranger", "candidate": "constat-stranger"}'),
    ("POST", "/failover", b'{"candidate": "constat-stranger"}'),
    ("DELETE", "/switchover", None),
    ("DELETE", "/restart", None),
    ("POST", "/reload", None),
)
_MONITORING: Final[tuple[Request, ...]] = (
    ("GET", "/api/v1/query?query=up", None),
    ("GET", "/api/v1/targets", None),
    ("GET", "/api/v1/status/config", None),
    ("GET", "/federate?match[]=up", None),
    ("GET", "/api/v2/status", None),
    ("GET", "/api/v2/alerts", None),
    ("POST", "/api/v2/silences", b"{}"),
    ("POST", "/api/v1/admin/tsdb/snapshot", None),
)


def approach_cluster(ground: Ground, listener: Listener) -> Iterator[Admission]:
    """Change the database cluster's mind; looking at it is everybody's, and is the twin."""
    with http.client(ground.ca, web.url(listener)) as client:
        known = web.succeeds(http.ask(client, "GET", "/patroni"))
        yield from acts(f"{named(listener)} changes", known, _asking(client, ground, _CLUSTER), refusals=REFUSALS)


def approach_monitoring(ground: Ground, name: str, base: str) -> Iterator[Admission]:
    """Look at the numbers, the configuration and the alerts, and silence them."""
    monitoring = required(ground.stack.metrics, "monitoring")
    with metrics.connect(monitoring, base) as client:
        known = web.succeeds(http.ask(client, "GET", "/-/ready"))
    with http.client(ground.ca, base) as client:
        yield from acts(f"{name} API", known, _asking(client, ground, _MONITORING), refusals=REFUSALS)


def _asking(client: httpx.Client, ground: Ground, requests: tuple[Request, ...]) -> list[Act]:
    return [(f"{method} {path}", functools.partial(_asked, client, ground, method, path, body)) for method, path, body in requests]


def _asked(client: httpx.Client, ground: Ground, method: str, path: str, body: bytes | None) -> Answer:
    """Whatever is not the demand for a login comes from behind the door, a complaint included."""
    reply = http.ask(client, method, path, content=body, headers={"Content-Type": "application/json"} if body else None)
    answer = web.seen(ground, reply, public=False)
    return answer if answer.kind in REFUSALS | {PUBLIC} else Answer(kind=OK, shown=f"{reply.status} {answer.shown}")
