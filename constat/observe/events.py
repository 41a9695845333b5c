"""What is published on an exchange, as a queue of the oracle's own sees it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pika
from pika.exceptions import AMQPError

from constat.errors import NotReady, Unobservable
from constat.observe.broker import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pika.adapters.blocking_connection import BlockingChannel

    from constat.stack import Broker

_BROKEN: Final = (AMQPError, OSError)


class Listener:
    """A queue that is there for one look, and what it has been given."""

    def __init__(self, channel: BlockingChannel, queue: str) -> None:
        """Take the queue; it is gone with its connection."""
        self._channel = channel
        self._queue = queue

    def hear(self, word: str) -> str:
        """The routing key of the first message that holds the word; NotReady when none of those that came does."""
        while True:
            try:
                delivered, _, body = self._channel.basic_get(self._queue, auto_ack=True)
            except _BROKEN as problem:
                msg = f"the broker hung up: {problem}"
                raise Unobservable(msg) from None
            if delivered is None:
                msg = f"no message with {word!r} has come"
                raise NotReady(msg)
            if word.encode() in body:
                return str(delivered.routing_key)


@contextlib.contextmanager
def listening(broker: Broker, exchange: str, routing_key: str, *, vhost: str) -> Iterator[Listener]:
    """Listen to an exchange of a virtual host as the administrator; Unobservable when that is not possible."""
    try:
        connection = pika.BlockingConnection(parameters(broker, broker.admin, vhost))
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
        channel.queue_bind(queue, exchange, routing_key)
    except _BROKEN as problem:
        msg = f"cannot listen to exchange {exchange!r}: {problem!r}"
        raise Unobservable(msg) from None
    with contextlib.closing(connection):
        yield Listener(channel, queue)
