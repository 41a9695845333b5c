"""Strangers at the consensus store: read, write and list without a certificate, and without a login."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Answer
from constat.observe import coordinator as coordinators
from constat.observe import http
from suites.security.approach import OK, acts, named, required, twin
from suites.security.wire.tls import DEMANDED, shake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.attempt import Admission
    from constat.stack import Coordinator, Listener
    from suites.security.approach import Ground

LOGIN_WANTED: Final = "login wanted"
REFUSALS: Final = frozenset({LOGIN_WANTED, DEMANDED})
_REDIRECTS: Final = 300


def approach(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """First without a certificate; then with the clients' certificate, and nobody's login."""
    store = required(ground.stack.coordinator, "coordinator")
    endpoint = f"https://{listener.host}:{listener.port}"
    key = _encoded(f"constat-stranger/{ground.canary}")
    everything = {"key": _encoded("\0"), "range_end": _encoded("\0"), "limit": 1}
    # The last removes what the second has written, should both be let in.
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("kv/range", everything),
        ("kv/put", {"key": key, "value": key}),
        ("auth/user/list", {}),
        ("auth/role/list", {}),
        ("kv/deleterange", {"key": key}),
    )
    known = twin(lambda: _called(store, endpoint, "kv/range", everything, token=coordinators.sign_in(store, endpoint)))
    tried = [("TLS without a certificate", functools.partial(shake, listener, ground.ca))] if store.client else []
    tried += [(f"{method} without a login", functools.partial(_called, store, endpoint, method, fields)) for method, fields in asked]
    return acts(named(listener), known, tried, refusals=REFUSALS)


def _called(store: Coordinator, endpoint: str, method: str, fields: dict[str, Any], *, token: str = "") -> Answer:
    with coordinators.connect(store, endpoint, token=token) as client:
        reply = http.ask(client, "POST", f"/v3/{method}", value=fields)
    # A complaint about anything but the missing login comes from behind the door.
    refused = reply.status >= _REDIRECTS and "user name is empty" in reply.text
    return Answer(kind=LOGIN_WANTED if refused else OK, shown=reply.text[:200])


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
