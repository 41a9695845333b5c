"""Strangers at the broker: mechanisms that let somebody in who proves nothing, and the paths of the management API."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from constat.observe import broker as brokers
from constat.observe import http
from suites.security.approach import acts, named, required, twin
from suites.security.strangers import web
from suites.security.wire.amqp import REFUSALS, log_in, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from constat.attempt import Admission, Answer
    from constat.stack import Listener
    from suites.security.approach import Ground

_PUBLIC: Final = {"/api/auth": "says which kind of login the page should ask for"}
_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_WRONG_METHOD: Final = 405


def approach(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Anonymously, with empty names, and by whatever else the server offers with an empty response."""
    broker = required(ground.stack.broker, "broker")
    known = twin(lambda: log_in(broker, "PLAIN", plain(broker.admin.user, broker.admin.password)))
    # The server keeps whom it refuses waiting for seconds, unless the response is one that it understands.
    others = [mechanism for mechanism in brokers.greeting(broker).mechanisms if mechanism not in {"PLAIN", "ANONYMOUS"}]
    asked = [("ANONYMOUS", b"stranger"), ("PLAIN", plain("", "")), *((mechanism, b"") for mechanism in others)]
    tried = [(f"{mechanism} {response!r}", functools.partial(log_in, broker, mechanism, response)) for mechanism, response in asked]
    return acts(named(listener), known, tried, refusals=REFUSALS)


def approach_management(ground: Ground) -> Iterator[Admission]:
    """Every documented path without a login; one that takes no GET is asked to change what does not exist."""
    broker = required(ground.stack.broker, "broker")
    with brokers.management(broker) as client:
        known = web.succeeds(http.ask(client, "GET", "/api/overview"))
    paths = brokers.api_paths(broker, name="constat-stranger")
    with http.client(broker.ca, broker.management_url) as client:
        tried = [(path, functools.partial(_asked, client, ground, path)) for path in paths]
        yield from acts("management API", known, tried, refusals=web.REFUSALS)


def _asked(client: httpx.Client, ground: Ground, path: str) -> Answer:
    for method in _METHODS:
        reply = http.ask(client, method, path, content=b"{}" if method in {"POST", "PUT"} else None)
        if reply.status != _WRONG_METHOD:
            break
    return web.seen(ground, reply, public=path in _PUBLIC)
