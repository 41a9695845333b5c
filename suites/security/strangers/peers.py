"""Strangers at servers that know their clients by certificate, and at the port mapper that comes with one of them."""

from __future__ import annotations

import functools
import socket
import struct
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat import deadlines
from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http
from constat.observe import vault as vaults
from suites.security.approach import OK, acts, named, required, twin
from suites.security.wire.tls import REFUSALS, certificate_of, shake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.attempt import Admission
    from constat.stack import Listener, Vault
    from suites.security.approach import Ground

_SILENT: Final = "silent"
# Erlang's documentation of the EPMD protocol: STOP_REQ of a node that does not exist.
_NAMES, _STOP = b"n", b"sconstat-stranger"


def approach(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """A handshake without a certificate; the twin shows the node's own."""
    known = twin(lambda: shake(listener, ground.ca, certificate=certificate_of(ground.stack, listener.node)))
    return acts(named(listener), known, [_handshake(ground, listener)], refusals=REFUSALS)


def approach_member(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """The same, where the members' certificates never leave them: the twin is the member that answers there by the cluster's own word."""
    known = twin(lambda: _member(required(ground.stack.vault, "secret store"), listener))
    return acts(named(listener), known, [_handshake(ground, listener)], refusals=REFUSALS)


def approach_mapper(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Names and ports are everybody's, on the same host; to strike a name off the list is nobody's."""
    del ground  # there are no logins here
    known = twin(lambda: mapper_says(listener, _NAMES))
    return acts(named(listener), known, [("STOP_REQ", functools.partial(mapper_says, listener, _STOP))], refusals=frozenset({_SILENT}))


def mapper_says(listener: Listener, request: bytes) -> Answer:
    """What the port mapper answers; `silent` when it hangs up without a word. Unobservable when nobody is there."""
    try:
        with socket.create_connection((listener.host, listener.port), timeout=deadlines.PROBE_CONNECT) as line:
            line.sendall(struct.pack("!H", len(request)) + request)
            said = b"".join(iter(lambda: line.recv(4096), b""))
    except OSError as problem:
        msg = f"the port mapper does not answer: {problem}"
        raise Unobservable(msg) from None
    return Answer(kind=OK if said else _SILENT, shown=said.decode("latin-1"))


def _handshake(ground: Ground, listener: Listener) -> tuple[str, functools.partial[Answer]]:
    return "TLS without a certificate", functools.partial(shake, listener, ground.ca)


def _member(vault: Vault, listener: Listener) -> Answer:
    with vaults.connect(vault, token=vault.admin_token) as client:
        said = http.expect(http.ask(client, "GET", "sys/storage/raft/configuration"), what="the members of the secret store").json()
    for server in said["data"]["config"]["servers"]:
        if urlsplit(f"//{server['address']}").port == listener.port:
            return Answer(kind=OK, shown=f"{server['node_id']} is a member at that address")
    msg = f"no member of the secret store answers at {listener.host}:{listener.port}"
    raise Unobservable(msg)
