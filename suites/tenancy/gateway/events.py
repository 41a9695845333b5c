"""Events: what arrives in a tenant's exchanges while others are asked for things, counted by a queue of the oracle's own."""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import TYPE_CHECKING, Final

from suites.tenancy.broker.ground import WORD
from suites.tenancy.broker.line import Line

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

    from constat.stack import Stack

_EXPIRES: Final = 600_000  # milliseconds after which a queue that nobody looks at any more is gone by itself


class Events:
    """Whatever is published for a tenant from now on; a stack without a broker has no events."""

    def __init__(self, stack: Stack, tenant: str) -> None:
        """Bind a queue to every exchange that events go to; Unobservable when the administrator cannot."""
        self._queue = f"{WORD}.events.{secrets.token_hex(4)}"
        self._tenant = tenant
        self._busy = threading.Lock()
        self._line = Line(stack.broker, stack.broker.admin, stack.broker.vhost_of(tenant)) if stack.broker else None
        if self._line is not None and stack.broker is not None:
            exchanges = stack.broker.exchanges
            alone = [name for name in stack.tenants if stack.broker.vhost_of(name) == self._line.vhost] == [tenant]
            self._line.need(lambda channel: self._bound(channel, exchanges, "#" if alone else f"{tenant}.#"))

    def _bound(self, channel: BlockingChannel, exchanges: tuple[str, ...], key: str) -> str:
        channel.queue_declare(self._queue, durable=True, arguments={"x-expires": _EXPIRES})
        for exchange in exchanges:
            channel.queue_bind(self._queue, exchange, key)
        return self._queue

    def seen(self) -> dict[str, str]:
        """How many have arrived, by what they are called in findings; Unobservable when the broker does not say."""
        if self._line is None:
            return {}
        with self._busy:
            count = self._line.need(lambda channel: str(channel.queue_declare(self._queue, passive=True).method.message_count))
        return {f"events of {self._tenant}": count}

    def close(self) -> None:
        """Take the queue away, and hang up."""
        if self._line is not None:
            with self._busy, contextlib.closing(self._line):
                self._line.act(lambda channel: str(channel.queue_delete(self._queue)))
