"""Strangers at the broker: mechanisms that let somebody in who proves nothing, and the paths of the management API."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from constat.attempt import Answer
from constat.observe import broker as brokers
from constat.observe import http
from suites.security.approach import LET_IN, acts, named, required
from suites.security.strangers.web import REFUSALS as WEB_REFUSALS
from suites.security.strangers.web import succeeds
from suites.security.wire.amqp import REFUSALS, log_in, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.attempt import Admission
    from constat.stack import Broker, Listener
    from suites.security.approach import Ground

_PUBLIC = {"/api/auth": "says which kind of login the page should ask for"}
_WRONG_METHOD = 405


def approach(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Anonymous, external without a certificate, empty names, and whatever else the server offers with an empty response."""
    broker = required(ground.stack.broker, "broker")
    twin = log_in(broker, "PLAIN", plain(broker.admin.user, broker.admin.password))
    offered = brokers.greeting(broker).mechanisms
    asked = [("ANONYMOUS", b"stranger"), ("EXTERNAL", b""), ("PLAIN", plain("", "")), *((name, b"") for name in offered)]
    tried = [(f"{mechanism} {response!r}", functools.partial(log_in, broker, mechanism, response)) for mechanism, response in asked]
    return acts(named(listener), twin, tried, refusals=REFUSALS)


def approach_management(ground: Ground) -> Iterable[Admission]:
    """Every documented path of the management API without a login; one that takes no GET is asked to change what does not exist."""
    broker = required(ground.stack.broker, "broker")
    with brokers.management(broker) as client:
        twin = succeeds(http.ask(client, "GET", "/api/overview"))
    paths = brokers.api_paths(broker, name="constat-stranger")
    tried = [(path, functools.partial(_asked, ground, broker, path)) for path in paths]
    return acts("management API", twin, tried, refusals=WEB_REFUSALS - {"http 404", "http 405"} | {"http 404"})


def _asked(ground: Ground, broker: Broker, path: str) -> Answer:
    with http.client(broker.ca, broker.management_url) as client:
        for method in ("GET", "POST", "PUT", "DELETE"):
            reply = http.ask(client, method, path, content=b"{}" if method in {"POST", "PUT"} else None)
            if reply.status != _WRONG_METHOD:
                break
    return _meant(ground, path, reply)
