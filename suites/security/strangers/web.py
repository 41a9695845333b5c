"""Strangers at web servers: what everybody knows to ask for, and the answers that tell too much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http, metrics
from suites.security import handshakes
from suites.security.approach import LET_IN, PUBLIC, acts, named
from suites.security.handshakes import certificate_of, shake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

    from constat.attempt import Admission
    from constat.stack import Listener, Stack
    from suites.security.approach import Ground

# What scanners ask of every server: numbers, consoles, configurations, debuggers, and a path that nothing has.
WELL_KNOWN: Final = (
    *("/", "/metrics", "/federate", "/stats", "/status", "/health", "/healthz", "/-/healthy", "/server-status"),
    *("/api", "/api/v1/status/config", "/api/v1/query?query=up", "/api/v2/alerts", "/api/rawdata", "/swagger.json"),
    *("/ui/", "/admin", "/dashboard/", "/config", "/env", "/.env", "/.git/config", "/debug/pprof/", "/debug/vars"),
    *("/probe?target=127.0.0.1:22&module=tcp", "/constat-stranger"),
)
# Whatever changes something if it is let in is asked to change what does not exist.
CHANGES: Final = ("PUT", "POST", "PATCH", "DELETE")
NOWHERE: Final = "/constat-stranger"
REFUSALS: Final = frozenset({PUBLIC, handshakes.DEMANDED, *(f"http {status}" for status in (400, 401, 403, 404, 405, 421, 426, 501, 503))})
TO_TLS: Final = frozenset({"http 301", "http 308"})


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a web server is for, and so what of it everybody may see; path = why."""

    public: Mapping[str, str] = field(default_factory=dict)
    everything: str = ""  # why everybody may look at all of it
    redirects: bool = False

    def shows(self, method: str, path: str) -> bool:
        """Whether everybody may ask for that."""
        return method == "GET" and (bool(self.everything) or path.partition("?")[0] in self.public)


_PRIVATE: Final = Role()
_NUMBERS: Final = Role(public={"/metrics": "numbers about the server and nobody's data, for Prometheus", "/ping": "whether it lives"})
_SERVICE: Final = Role(
    public={
        "/health": "whether the process lives",
        "/ready": "which servers behind it answer",
        "/metrics": "numbers about the server and nobody's data, for Prometheus",
        "/openapi.json": "what can be asked, and nobody's data",
    }
)
_PATRONI: Final = Role(everything="the proxy asks which server is the primary; looking shows the cluster's state and nobody's data")
_OBJECTS: Final = Role(public={"/status": "an empty page that says it lives", "/healthz": "the same"})
_MANAGEMENT: Final = Role(public={"/": "the page that asks for a login", "/api/index.html": "the API's manual"})
_REDIRECT: Final = Role(redirects=True)


def role(stack: Stack, listener: Listener) -> Role:
    """What the listener is for: by the capability whose address it is, else by its declared name."""
    by_address = {
        _port(stack.gateway.plain_url) if stack.gateway else 0: _REDIRECT,
        _port(stack.objects.endpoint) if stack.objects else 0: _OBJECTS,
        _port(stack.broker.management_url) if stack.broker else 0: _MANAGEMENT,
        **{_port(url): _SERVICE for url in stack.services.values()},
    }
    by_name = {"metrics": _NUMBERS, "patroni": _PATRONI}
    return by_address.get(listener.port) or by_name.get(listener.name, _PRIVATE)


def approach(ground: Ground, listener: Listener) -> Iterable[Admission]:
    """Everything that everybody tries at a web server."""
    if listener.tls and shake(listener, ground.ca).kind == handshakes.DEMANDED:
        return _by_certificate(ground, listener)
    server = role(ground.stack, listener)
    twin = _twin(ground, listener, server)
    asked = [("GET", path) for path in WELL_KNOWN] + [(method, NOWHERE) for method in CHANGES]
    tried = [(f"{method} {path}", _asking(ground, listener, server, method, path)) for method, path in asked]
    return acts(named(listener), twin, tried, refusals=REFUSALS | TO_TLS if server.redirects else REFUSALS)


def url(listener: Listener) -> str:
    """Where a web server is."""
    return f"{'https' if listener.tls else 'http'}://{listener.host}:{listener.port}"


def seen(ground: Ground, reply: http.Reply, *, public: bool) -> Answer:
    """What an answer to a stranger means: a success that nobody declared, or anything private in it, is being let in."""
    if ground.shows_private(reply.text + "\n".join(reply.headers.values())):
        return Answer(kind=LET_IN.kind, shown="the answer shows a secret, or who the tenants are")
    if reply.status < 300:  # noqa: PLR2004 - every success
        return Answer(kind=PUBLIC if public else LET_IN.kind, shown=reply.text[:200])
    return Answer(kind=f"http {reply.status}", shown=reply.headers.get("location", reply.text[:200]))


def succeeds(reply: http.Reply) -> Answer:
    """Whether an authorised twin got in."""
    return Answer(kind="ok" if reply.status < 300 else f"http {reply.status}", shown=reply.text[:200])  # noqa: PLR2004 - every success


def _asking(ground: Ground, listener: Listener, server: Role, method: str, path: str) -> Callable[[], Answer]:
    def act() -> Answer:
        with http.client(ground.ca, url(listener)) as client:
            reply = http.ask(client, method, path)
        if server.redirects and f"http {reply.status}" in TO_TLS and not reply.headers.get("location", "").startswith("https://"):
            return Answer(kind="redirected in clear", shown=reply.headers.get("location", ""))
        return seen(ground, reply, public=server.shows(method, path))

    return act


def _by_certificate(ground: Ground, listener: Listener) -> list[Admission]:
    """The server knows its clients by their certificates: the handshake is all that a stranger can try."""
    twin = shake(listener, ground.ca, certificate=certificate_of(ground.stack, listener.node))
    return acts(named(listener), twin, [("TLS without a certificate", lambda: shake(listener, ground.ca))], refusals=handshakes.REFUSALS)


def _twin(ground: Ground, listener: Listener, server: Role) -> Answer:
    """Somebody who may, by the same path: with a login that the stack has, else by an act that is allowed, else Prometheus."""
    with http.client(ground.ca, url(listener)) as client:
        if server.redirects:
            return Answer(kind="ok", shown=f"answers {http.ask(client, 'GET', '/').status}; nobody is let in here at all")
        if server.public or server.everything:
            return succeeds(http.ask(client, "GET", next(iter(server.public), "/metrics")))
    return _known(ground, listener) or _scraped(ground, listener)


def _known(ground: Ground, listener: Listener) -> Answer | None:
    """With the administrator's login, where the stack has one for this server."""
    stack, ca = ground.stack, ground.ca
    if stack.vault and _port(stack.vault.url) == listener.port:
        return _asked(http.client(ca, url(listener), headers={"X-Vault-Token": stack.vault.admin_token}), "/v1/auth/token/lookup-self")
    if stack.metrics and listener.port in {_port(stack.metrics.prometheus), _port(stack.metrics.alertmanager)}:
        return _asked(metrics.connect(stack.metrics, url(listener)), "/-/ready")
    if stack.gateway and _port(stack.gateway.url) == listener.port:
        return _asked(http.client(ca, url(listener)), f"/health/{next(iter(stack.services), '')}")
    return None


def _asked(client: httpx.Client, path: str) -> Answer:
    with client:
        return succeeds(http.ask(client, "GET", path))


def _scraped(ground: Ground, listener: Listener) -> Answer:
    if ground.stack.metrics is None:
        msg = f"nobody is known who may speak to {named(listener)}"
        raise Unobservable(msg)
    address = f"{listener.host}:{listener.port}"
    for target in metrics.targets(ground.stack.metrics):
        if target.address == address and not target.is_probe:
            return Answer(kind="ok" if target.health == metrics.UP else target.health, shown=f"Prometheus asks it as {target.job!r}")
    msg = f"nobody is known who may speak to {named(listener)}: Prometheus does not ask it"
    raise Unobservable(msg)


def _port(address: str) -> int:
    return urlsplit(address).port or 0
