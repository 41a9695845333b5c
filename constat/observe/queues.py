"""What waits in the broker's queues, as the administrator sees it; every message goes back to where it was."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

import pika
import pika.exceptions

from constat.errors import Unobservable
from constat.observe import broker as brokers
from constat.observe import http

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pika.adapters.blocking_connection import BlockingChannel

    from constat.stack import Broker

_AT_MOST: Final = 20_000


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue, by its virtual host and name."""

    vhost: str
    name: str
    messages: int

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.vhost}/{self.name}"


def queues(broker: Broker) -> tuple[Queue, ...]:
    """Every queue of every virtual host."""
    with brokers.management(broker) as client:
        found = http.expect(http.ask(client, "GET", "/api/queues"), what="/api/queues").json()
    return tuple(Queue(vhost=str(one["vhost"]), name=str(one["name"]), messages=int(one.get("messages", 0))) for one in found)


def holding(broker: Broker, queue: Queue, words: tuple[str, ...]) -> int:
    """How many messages hold one of the words, in body, headers or routing key; all of them stay."""
    return _each(broker, queue, words, lambda _channel, _tag: None)


def drop(broker: Broker, queue: Queue, words: tuple[str, ...]) -> int:
    """Take the messages out that hold one of the words; how many there were."""
    return _each(broker, queue, words, lambda channel, tag: channel.basic_ack(tag))


def _each(broker: Broker, queue: Queue, words: tuple[str, ...], act: Callable[[BlockingChannel, int], None]) -> int:
    """Fetch everything, act on what holds a word; whatever was not acknowledged goes back when the channel closes."""
    found = 0
    with _channel(broker, queue.vhost) as channel:
        for _ in range(_AT_MOST):
            delivered, properties, body = channel.basic_get(queue.name)
            if delivered is None:
                return found
            text = f"{delivered.routing_key}\n{properties}\n" + body.decode(errors="replace")
            if any(word in text for word in words):
                found += 1
                act(channel, delivered.delivery_tag)
    msg = f"queue {str(queue)!r} is deeper than {_AT_MOST} messages: nobody empties it"
    raise Unobservable(msg)


@contextlib.contextmanager
def _channel(broker: Broker, vhost: str) -> Iterator[BlockingChannel]:
    parts = urlsplit(broker.amqp_url)
    who = f"{quote(broker.admin.user, safe='')}:{quote(broker.admin.password, safe='')}"
    parameters = pika.URLParameters(f"{parts.scheme}://{who}@{parts.netloc}/{quote(vhost, safe='')}")
    parameters.ssl_options = pika.SSLOptions(http.trusting(broker.ca), parameters.host) if parameters.ssl_options else None
    try:
        with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
            yield connection.channel()
    except (pika.exceptions.AMQPError, OSError) as problem:
        msg = f"the administrator cannot look into the queues of {vhost!r}: {problem!r}"
        raise Unobservable(msg) from None
