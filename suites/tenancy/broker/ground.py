"""What the attack on the broker needs: queues with a message of each tenant's, and the administrator's view of everything."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pika

from constat.observe import broker as brokers
from constat.observe import http
from constat.observe.topology import definitions, topology
from suites.tenancy.broker.line import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pika.adapters.blocking_connection import BlockingChannel

    from constat.observe.topology import Topology
    from constat.stack import Broker

# Every queue and exchange that the suite makes has this word in its name.
WORD: Final = "constat-tenancy"
# Kind of thing in the server's export → its path in the API.
_PATHS: Final = {
    "users": ("users", "name"),
    "permissions": ("permissions", "vhost", "user"),
    "topic_permissions": ("topic-permissions", "vhost", "user"),
    "parameters": ("parameters", "component", "vhost", "name"),
    "policies": ("policies", "vhost", "name"),
    "queues": ("queues", "vhost", "name"),
    "exchanges": ("exchanges", "vhost", "name"),
    "vhosts": ("vhosts", "name"),
}


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A tenant's own queue and exchange; the name of the second queue is not told."""

    tenant: str
    vhost: str
    content: str
    name: str

    @property
    def queue(self) -> str:
        """The queue that the attacker is told of."""
        return f"{self.tenant}.{WORD}"

    @property
    def hidden(self) -> str:
        """The queue whose name only a list gives away."""
        return f"{self.tenant}.{WORD}.{self.name}"

    @property
    def exchange(self) -> str:
        """The tenant's own exchange, which leads to its queue."""
        return f"{self.tenant}.{WORD}.x"


def plant(speaker: Line, tenant: str) -> Planted:
    """Plant as the tenant itself; Unobservable when it may not even do so below its own name."""
    planted = Planted(tenant=tenant, vhost=speaker.vhost, content=f"c{secrets.token_hex(12)}", name=f"c{secrets.token_hex(12)}")

    def talk(channel: BlockingChannel) -> str:
        channel.confirm_delivery()
        for queue in (planted.queue, planted.hidden):
            channel.queue_declare(queue, durable=True)
        channel.exchange_declare(planted.exchange, "topic", durable=True)
        channel.queue_bind(planted.queue, planted.exchange, f"{tenant}.#")
        channel.basic_publish(planted.exchange, f"{tenant}.{WORD}", planted.content.encode(), mandatory=True)
        return planted.content

    speaker.need(talk)
    return planted


def state(broker: Broker, oracle: Line, planted: Planted) -> str:
    """What is really there of the victim's: its queues with what is in them, what leads to them, and who may touch them."""
    depth = oracle.need(lambda channel: str(channel.queue_declare(planted.queue, passive=True).method.message_count))
    exported = definitions(broker)
    lines = [f"queue {planted.queue} {depth}", f"message {peeked(oracle, planted.queue)}", f"hidden {planted.hidden}"]
    for kind in ("queues", "exchanges", "bindings", "permissions", "topic_permissions", "policies", "parameters", "users"):
        lines += [
            f"{kind} {sorted((name, value) for name, value in item.items() if name != 'password_hash')}"
            for item in exported.get(kind, ())
            if not _is_attackers(item, planted)
        ]
    return "\n".join(sorted(map(str, lines)))


def _is_attackers(item: dict[str, Any], planted: Planted) -> bool:
    """What the attacker makes below its own name is its own affair."""
    name = str(item.get("name", item.get("destination", "")))
    return WORD in name and not name.startswith(f"{planted.tenant}.")


def peeked(oracle: Line, queue: str) -> str:
    """The first message of a queue, which stays where it is."""

    def talk(channel: BlockingChannel) -> str:
        delivered, _, body = channel.basic_get(queue)
        if delivered is not None:
            channel.basic_nack(delivered.delivery_tag, requeue=True)
        return (body or b"").decode(errors="replace")

    return oracle.need(talk)


def restore(broker: Broker, kept: dict[str, list[dict[str, Any]]]) -> None:
    """Put the server's configuration back: what is missing or changed comes from the export, what is new is removed."""
    now = definitions(broker)
    if now == kept:
        return
    with brokers.management(broker) as client:
        for kind, (path, *fields) in _PATHS.items():
            known = {_place(item, fields) for item in kept.get(kind, ())}
            for item in now.get(kind, ()):
                if (place := _place(item, fields)) not in known:
                    http.ask(client, "DELETE", f"/api/{path}/{place}")
        for binding in now.get("bindings", ()):
            if binding not in kept.get("bindings", ()):
                _unbind(client, binding)
        http.expect(http.ask(client, "POST", "/api/definitions", value=kept), what="the definitions")


def _place(item: dict[str, Any], fields: list[str]) -> str:
    return "/".join(quote(str(item[field]), safe="") for field in fields)


def _unbind(client: Any, binding: dict[str, Any]) -> None:
    kind = "q" if binding["destination_type"] == "queue" else "e"
    parts = (binding["vhost"], "e", binding["source"], kind, binding["destination"])
    path = "/api/bindings/" + "/".join(quote(str(part), safe="") for part in parts)
    reply = http.ask(client, "GET", path)
    for found in reply.json() if reply.status == http.OK else ():
        if found["routing_key"] == binding["routing_key"]:
            http.ask(client, "DELETE", f"{path}/{quote(found['properties_key'], safe='')}")


def sweep(broker: Broker) -> None:
    """Remove every queue and exchange of the suite's, whoever made it."""
    found = topology(broker)
    with brokers.management(broker) as client:
        for part in found.parts:
            if WORD in part.name:
                http.ask(client, "DELETE", f"/api/{part.kind}s/{quote(part.vhost, safe='')}/{quote(part.name, safe='')}")


def foreign(found: Topology, vhost: str, kind: str, own: str) -> tuple[str, ...]:
    """Names in a virtual host that do not begin with the attacker's own; the server's default exchange has none."""
    return tuple(name for name in found.within(vhost, kind) if name and not name.startswith(f"{own}."))


@contextlib.contextmanager
def administration(broker: Broker, vhosts: tuple[str, ...]) -> Iterator[dict[str, Line]]:
    """The administrator in every virtual host."""
    lines = {vhost: Line(broker, broker.admin, vhost) for vhost in vhosts}
    try:
        yield lines
    finally:
        for opened in lines.values():
            opened.close()


def signed(user: str) -> pika.BasicProperties:
    """A message that says that this user has sent it."""
    return pika.BasicProperties(user_id=user)


def refill(speaker: Line, planted: Planted) -> None:
    """Put the tenant's message back into its queue."""

    def talk(channel: BlockingChannel) -> str:
        channel.confirm_delivery()
        channel.basic_publish(planted.exchange, f"{planted.tenant}.{WORD}", planted.content.encode())
        return ""

    speaker.need(talk)
