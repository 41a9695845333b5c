"""Strangers at web servers: what everybody knows to ask for, and answers that tell too much."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http, metrics
from suites.security.approach import OK, PUBLIC, acts, named, twin
from suites.security.strangers import peers
from suites.security.wire.tls import DEMANDED, shake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from constat.attempt import Admission
    from constat.observe.http import Reply
    from constat.stack import Listener, Stack
    from suites.security.approach import Ground

# What scanners ask of every server: numbers, consoles, configurations, debuggers, and a path that nothing has.
NOWHERE: Final = "/constat-stranger"
WELL_KNOWN: Final = (
    *("/", "/metrics", "/federate", "/stats", "/status", "/health", "/healthz", "/-/healthy", "/server-status"),
    *("/api", "/api/v1/status/config", "/api/v1/query?query=up", "/api/v2/alerts", "/api/rawdata", "/swagger.json"),
    *("/ui/", "/admin", "/dashboard/", "/config", "/env", "/.env", "/.git/config", "/debug/pprof/", "/debug/vars"),
    *("/probe?target=127.0.0.1:22&module=tcp", NOWHERE),
)
# What developers leave in a service beside its description: a place and a word.
_PLACES: Final = ("", "/internal", "/debug", "/admin", "/api", "/api/internal", "/_", "/private", "/actuator", "/management", "/test")
_WORDS: Final = (
    *("dump", "config", "settings", "env", "secrets", "status", "info", "users", "tenants", "organizations", "keys", "tokens"),
    *("vars", "heap", "trace", "routes", "sql", "query", "backup", "logs", "console", "shell", "exec", "session", "state"),
)
HIDDEN: Final = tuple(f"{place}/{word}" for place in _PLACES for word in ("", *_WORDS) if place or word)
# What would change something is asked of a path that does not exist.
CHANGES: Final = ("PUT", "POST", "PATCH", "DELETE")
REFUSALS: Final = frozenset(
    {PUBLIC, *(f"http {status}" for status in (301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 421, 426, 501, 503))}
)
SIGN_IN: Final = "/api/identity/token"
_REDIRECTS: Final = 300


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a web server is for, and so what of it everybody may see: path = why."""

    public: Mapping[str, str] = field(default_factory=dict)
    everything: str = ""  # why everybody may look at all of it
    redirects: bool = False

    def shows(self, method: str, path: str) -> bool:
        """Whether everybody may ask for that."""
        return method == "GET" and (bool(self.everything) or path.partition("?")[0] in self.public)


PRIVATE: Final = Role()
REDIRECT: Final = Role(redirects=True)
NUMBERS: Final = Role(
    public={"/metrics": "numbers about the server and nobody's data", "/ping": "whether it lives", "/api/version": "its version"}
)
SERVICE: Final = Role(
    public={
        "/health": "whether the process lives",
        "/ready": "which servers behind it answer",
        "/metrics": "numbers about the server and nobody's data",
        "/openapi.json": "what can be asked, and nobody's data",
    }
)
PATRONI: Final = Role(everything="the proxy asks which server is the primary; what is shown is the cluster's state and nobody's data")
OBJECTS: Final = Role(public={"/status": "an empty page that says it lives", "/healthz": "the same"})
MANAGEMENT: Final = Role(public={"/": "the page that asks for a login", "/api/index.html": "the API's manual"})


def role(stack: Stack, listener: Listener) -> Role:
    """What the listener is for: by the capability whose address it is, else by its declared name."""
    by_address = {_port(url): SERVICE for url in stack.services.values()}
    by_address |= {_port(stack.gateway.plain_url): REDIRECT} if stack.gateway else {}
    by_address |= {_port(stack.objects.endpoint): OBJECTS} if stack.objects else {}
    by_address |= {_port(stack.broker.management_url): MANAGEMENT} if stack.broker else {}
    by_name = {"metrics": NUMBERS, "patroni": PATRONI}
    return by_address.get(listener.port) or by_name.get(listener.name, PRIVATE)


def approach(ground: Ground, listener: Listener) -> Iterator[Admission]:
    """Everything that everybody tries at a web server; where a certificate is asked for, only the handshake is left to try."""
    if listener.tls and shake(listener, ground.ca).kind == DEMANDED:
        yield from peers.approach(ground, listener)
        return
    server = role(ground.stack, listener)
    hidden = HIDDEN if server is SERVICE or _is_entry(ground.stack, listener) else ()
    asked = [("GET", path) for path in dict.fromkeys((*WELL_KNOWN, *hidden))] + [(method, NOWHERE) for method in CHANGES]
    with http.client(ground.ca, url(listener)) as client:
        tried = [(f"{method} {path}", functools.partial(_asked, client, ground, server, method, path)) for method, path in asked]
        known = twin(functools.partial(authorised, ground.stack, ground.ca, listener))
        yield from acts(named(listener), known, tried, refusals=REFUSALS)


def gateway_nodes(stack: Stack) -> frozenset[str]:
    """The nodes that the gateway's address belongs to."""
    port = _port(stack.gateway.url) if stack.gateway else -1
    return frozenset(listener.node for listener in stack.listeners if listener.port == port)


def sign_in(stack: Stack, ca: str, tenant: str) -> str:
    """A token of a tenant's, from the gateway where there is one; Unobservable when it is refused."""
    base, login = stack.gateway.url if stack.gateway else stack.services.get("identity", ""), stack.tenants[tenant].api
    with http.client(ca, base) as client:
        reply = http.ask(client, "POST", SIGN_IN, value={"user": login.user, "password": login.password})
    return str(http.expect(reply, what=f"sign-in of {login.user}").json()["access_token"])


def url(listener: Listener) -> str:
    """Where a web server is."""
    return f"{'https' if listener.tls else 'http'}://{listener.host}:{listener.port}"


def seen(ground: Ground, reply: Reply, *, public: bool) -> Answer:
    """What an answer to a stranger means: a success that nobody declared, or anything private in it, is being let in."""
    if ground.shows_private(reply.text + "\n".join(reply.headers.values())):
        return Answer(kind=OK, shown="the answer shows a secret, or who the tenants are")
    if reply.status < _REDIRECTS:
        return Answer(kind=PUBLIC if public else OK, shown=reply.text[:200])
    return Answer(kind=f"http {reply.status}", shown=reply.headers.get("location", reply.text[:200]))


def succeeds(reply: Reply) -> Answer:
    """Whether somebody got in; what a success shows is theirs."""
    is_in = reply.status < _REDIRECTS
    return Answer(kind=OK if is_in else f"http {reply.status}", shown="" if is_in else reply.text[:200])


def _asked(client: httpx.Client, ground: Ground, server: Role, method: str, path: str) -> Answer:
    reply = http.ask(client, method, path)
    if server.redirects and not reply.headers.get("location", "").startswith("https://"):
        return Answer(kind=OK, shown=f"{reply.status}, expected to be sent to HTTPS")
    return seen(ground, reply, public=server.shows(method, path))


def authorised(stack: Stack, ca: str, listener: Listener) -> Answer:
    """Somebody who may, by the same path: an act that is everybody's, else with a login that the stack has, else Prometheus.

    Raises Unobservable when nobody is known who may.
    """
    server = role(stack, listener)
    with http.client(ca, url(listener)) as client:
        if server.redirects:
            return Answer(kind=OK, shown=f"answers {http.ask(client, 'GET', '/').status}; nobody is let in here at all")
        if server.public or server.everything:
            return succeeds(http.ask(client, "GET", next(iter(server.public), "/metrics")))
    return _known(stack, ca, listener) or _scraped(stack, listener)


def _known(stack: Stack, ca: str, listener: Listener) -> Answer | None:
    """The administrator, where the stack has a login for this server."""
    base = url(listener)
    if stack.vault and _port(stack.vault.url) == listener.port:
        return _admitted(http.client(ca, base, headers={"X-Vault-Token": stack.vault.admin_token}), "/v1/auth/token/lookup-self")
    if stack.metrics and listener.port in {_port(stack.metrics.prometheus), _port(stack.metrics.alertmanager)}:
        return _admitted(metrics.connect(stack.metrics, base), "/-/ready")
    if stack.gateway and stack.tenants and listener.node in gateway_nodes(stack):
        client = http.client(ca, base, headers={"Authorization": f"Bearer {sign_in(stack, ca, next(iter(stack.tenants)))}"})
        return _first_admitted(client, ("/verify", *(f"/health/{service}" for service in stack.services)))
    return None


def _first_admitted(client: httpx.Client, paths: tuple[str, ...]) -> Answer:
    """The first of the paths that lets somebody in, or how the last did not: which there are depends on the entry point."""
    with client:
        answers = [succeeds(http.ask(client, "GET", path)) for path in paths]
    return next((answer for answer in answers if answer.kind == OK), answers[-1])


def _admitted(client: httpx.Client, path: str) -> Answer:
    with client:
        return succeeds(http.ask(client, "GET", path))


def _scraped(stack: Stack, listener: Listener) -> Answer:
    addresses = {f"{listener.host}:{listener.port}", listener.inside}
    for target in metrics.targets(stack.metrics) if stack.metrics else ():
        if target.address in addresses and not target.is_probe:
            return Answer(kind=OK if target.health == metrics.UP else target.health, shown=f"Prometheus asks it as {target.job!r}")
    msg = f"nobody is known who may speak to {named(listener)}: Prometheus does not ask it either"
    raise Unobservable(msg)


def _is_entry(stack: Stack, listener: Listener) -> bool:
    """Whether clients reach the services here."""
    return stack.gateway is not None and _port(stack.gateway.url) == listener.port


def _port(address: str) -> int:
    return urlsplit(address).port or 0
