"""Events on the broker, each confirmed by it before anybody is told that it was published."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import aio_pika
from aio_pika import DeliveryMode, Message
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

from provision.platform.services.problem import unavailable
from provision.platform.services.vhost import vhost_of

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

    from provision.platform.services.problem import Problem
    from provision.platform.services.settings import Exchange

LOG: Final = logging.getLogger(__name__)
_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.5
_FAREWELL_SECONDS: Final = 0.2
_LOST: Final = (AMQPError, ChannelInvalidStateError, OSError)


class _Link(NamedTuple):
    connection: AbstractConnection
    channel: AbstractChannel
    exchange: AbstractExchange


class Broker:
    """A line to each tenant's virtual host, opened when the first event of the tenant comes."""

    name = "broker"
    required = True

    def __init__(self, events: Exchange, ca: str) -> None:
        """Take the address with its credentials, and who vouches for the server."""
        self._events = events
        self._ca = ca
        self._own = self._line(events.vhost)
        self._lines: dict[str, _Line] = {}

    async def open(self) -> None:
        """Prepare; the first event connects."""
        self._own.open()

    async def close(self) -> None:
        """Close every connection; a server that does not answer is not waited for."""
        await asyncio.gather(*(line.close() for line in (self._own, *self._lines.values())))

    async def check(self) -> None:
        """Ask the server; raises when it does not answer."""
        await self._own.ask()

    async def publish(self, tenant: str, routing_key: str, body: bytes, *, kind: str, message_id: str) -> None:
        """Publish a persistent event in the tenant's virtual host; Problem 503 when the broker did not confirm it in two seconds."""
        if tenant not in self._lines:  # it may have been onboarded a moment ago
            self._lines[tenant] = self._line(vhost_of(tenant, self._events.vhosts_key))
            self._lines[tenant].open()
        await self._lines[tenant].publish(routing_key, body, kind=kind, message_id=message_id)

    def _line(self, vhost: str) -> _Line:
        return _Line(f"{self._events.server}/{vhost}", self._ca, self._events.name)


class _Line:
    """One connection and one channel with publisher confirms; made again when it was lost."""

    def __init__(self, url: str, ca: str, exchange: str) -> None:
        """Take the server's address with its credentials, who vouches for it, and where to publish."""
        self._url = url
        self._ca = ca
        self._exchange = exchange
        self._link: _Link | None = None
        self._away_until = 0.0

    def open(self) -> None:
        """Prepare."""
        self._context = ssl.create_default_context(cafile=self._ca)
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection; a server that does not answer is not waited for."""
        link, self._link = self._link, None
        if link is not None:
            # Closing cannot be cancelled, so it is left to itself.
            self._farewell = asyncio.create_task(link.connection.close())
            await asyncio.wait((self._farewell,), timeout=_FAREWELL_SECONDS)

    async def publish(self, routing_key: str, body: bytes, *, kind: str, message_id: str) -> None:
        """Publish a persistent event; Problem 503 when the broker did not confirm it in two seconds."""
        message = Message(
            body,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            type=kind,
            message_id=message_id,
            timestamp=int(time.time()),
        )
        link = await self.reach()
        try:
            await link.exchange.publish(message, routing_key, mandatory=False, timeout=_SECONDS)
        except _LOST as problem:
            if self._link is link:
                await self.close()
            raise self._lost(problem) from problem

    async def ask(self) -> None:
        """Have the server answer: that nothing has closed a connection does not say that anybody is there."""
        await (await self.reach()).channel.set_qos()

    async def reach(self) -> _Link:
        """Return the link; while the broker is away one caller tries to reach it, the others do not wait."""
        if self._link is not None and not self._link.channel.is_closed:
            return self._link
        if self._away_until and (self._connecting.locked() or time.monotonic() < self._away_until):
            raise unavailable(Broker.name)
        async with self._connecting:
            if self._link is None or self._link.channel.is_closed:
                self._link = await self._connect()
            return self._link

    async def _connect(self) -> _Link:
        await self.close()
        try:
            async with asyncio.timeout(_SECONDS):
                connection = await aio_pika.connect(self._url, ssl_context=self._context)
                channel = await connection.channel(publisher_confirms=True)
                exchange = await channel.get_exchange(self._exchange, ensure=False)
        except _LOST as problem:
            raise self._lost(problem) from problem
        self._away_until = 0.0
        return _Link(connection, channel, exchange)

    def _lost(self, problem: Exception) -> Problem:
        if not self._away_until:
            LOG.warning("the broker does not answer: %s", type(problem).__name__)
        self._away_until = time.monotonic() + _PAUSE_SECONDS
        return unavailable(Broker.name)
