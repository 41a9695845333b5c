"""The management API with a tenant's login: every documented path, and what would change something of the victim's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from constat.attempt import Answer
from constat.observe import broker as brokers
from constat.observe import http
from suites.tenancy.broker.ground import WORD, Planted
from suites.tenancy.campaign import OK, Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.stack import Broker, Login

DENIED: Final = frozenset({"http 401", "http 403"})
# About the page that asks, or about the one who asks.
_ABOUT_ONESELF: Final = frozenset({"/api/auth", "/api/whoami", "/api/index.html"})
_NOT_SO: Final = frozenset({"http 404", "http 405", "http 400"})


def looks(broker: Broker, client: httpx.Client, victim: Planted) -> Iterator[Act]:
    """Read every path, with the victim's virtual host, user and queue in its places."""
    words = _words(victim)
    with brokers.management(broker) as admin:
        authorised = http.ask(admin, "GET", "/api/overview").status
    paths = {
        path
        for name in (victim.queue, victim.tenant)
        for path in brokers.api_paths(broker, name=quote(name, safe=""), vhost=quote(victim.vhost, safe=""))
    }
    for path in sorted(paths - _ABOUT_ONESELF):
        yield Act(
            name=f"GET {path}",
            twin=lambda: _answer_of(authorised),
            forbidden=lambda path=path: _seen(http.ask(client, "GET", path), words),  # type: ignore[misc]
            refusals=DENIED | _NOT_SO | {"own only"},
        )


def changes(broker: Broker, client: httpx.Client, login: Login, victim: Planted) -> Iterator[Act]:
    """Ask for more rights, and for what is the victim's."""
    vhost, user = quote(victim.vhost, safe=""), quote(login.user, safe="")
    queue, everything = f"{vhost}/{quote(victim.queue, safe='')}", {"configure": ".*", "write": ".*", "read": ".*"}
    message = {"routing_key": victim.queue, "payload": "constat-attack", "payload_encoding": "string", "properties": {}}
    shovel = {"src-uri": "amqp://", "src-queue": victim.queue, "dest-uri": "amqp://", "dest-queue": f"{user}.{WORD}"}
    asked: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        ("PUT", f"permissions/{vhost}/{user}", everything),
        ("PUT", f"topic-permissions/{vhost}/{user}", {"exchange": "", "write": ".*", "read": ".*"}),
        ("PUT", f"users/{user}", {"password": login.password, "tags": "administrator"}),
        ("PUT", f"users/{WORD}", {"password": WORD, "tags": "administrator"}),
        ("PUT", f"vhosts/{WORD}", {}),
        ("PUT", f"policies/{vhost}/{WORD}", {"pattern": WORD, "definition": {"max-length": 0}, "apply-to": "queues"}),
        ("PUT", f"operator-policies/{vhost}/{WORD}", {"pattern": WORD, "definition": {"max-length": 0}, "apply-to": "queues"}),
        ("PUT", f"parameters/shovel/{vhost}/{WORD}", {"value": shovel}),
        ("PUT", f"parameters/federation-upstream/{vhost}/{WORD}", {"value": {"uri": "amqp://"}}),
        ("PUT", f"vhost-limits/{vhost}/max-queues", {"value": 0}),
        ("PUT", f"queues/{queue}.new", {"durable": True}),
        ("POST", f"queues/{queue}/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
        ("POST", f"exchanges/{vhost}/amq.default/publish", message),
        ("POST", f"bindings/{vhost}/e/{quote(victim.exchange, safe='')}/q/{quote(victim.queue, safe='')}", {"routing_key": "constat"}),
        ("POST", "definitions", {"users": []}),
        ("DELETE", f"queues/{queue}/contents", None),
        ("DELETE", f"queues/{queue}", None),
        ("DELETE", f"connections/username/{quote(victim.tenant, safe='')}", None),
    )
    with brokers.management(broker) as admin:
        authorised = http.ask(admin, "GET", "/api/overview").status
    words = _words(victim)
    for method, path, value in asked:
        yield Act(
            name=f"{method} /api/{path}",
            twin=lambda: _answer_of(authorised),
            forbidden=lambda m=method, p=path, v=value: _changed(_seen(http.ask(client, m, f"/api/{p}", value=v), words)),  # type: ignore[misc]
            refusals=DENIED | _NOT_SO,
            writes=True,
        )


def _words(victim: Planted) -> tuple[str, ...]:
    """How the victim would be recognised in an answer: its virtual host, its user, its queues, its message."""
    return (victim.vhost, f'"{victim.tenant}"', f'"{victim.tenant}.', victim.content, victim.name)


def _answer_of(status: int) -> Answer:
    return Answer(kind=OK if status == http.OK else f"http {status}")


def _seen(reply: http.Reply, words: tuple[str, ...]) -> Answer:
    """What succeeds is the attacker's own affair unless it shows something of the victim's."""
    if reply.status >= 300:  # noqa: PLR2004 - HTTP's range of success ends there
        return Answer(kind=f"http {reply.status}", shown=reply.text[:200])
    shown = next((word for word in words if word in reply.text), None)
    return Answer(kind="own only" if shown is None else OK, shown=f"shows {shown}" if shown else "", reached=shown is not None)


def _changed(answer: Answer) -> Answer:
    """A change of what is the victim's has no part that is one's own."""
    return Answer(kind=OK, shown=answer.shown) if answer.kind == "own only" else answer
