"""Events on the broker, each confirmed by it before anybody is told that it was published."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Final

import aio_pika
from aio_pika import DeliveryMode, Message
from aio_pika.exceptions import AMQPError

from provision.platform.services.problem import unavailable

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

LOG: Final = logging.getLogger(__name__)
_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.5
_LOST: Final = (AMQPError, aio_pika.exceptions.ChannelInvalidStateError, ConnectionError, OSError, RuntimeError)


class Broker:
    """One connection and one channel with publisher confirms; made again when it was lost."""

    name = "broker"
    required = True

    def __init__(self, url: str, ca: str, exchange: str) -> None:
        """Take the server's address with its credentials, who vouches for it, and where to publish."""
        self._url = url
        self._ca = ca
        self._exchange_name = exchange
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._paused_until = 0.0

    async def open(self) -> None:
        """Prepare; the first event connects."""
        self._context = ssl.create_default_context(cafile=self._ca)
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def check(self) -> None:
        """Be connected; raises Problem 503 when that cannot be."""
        await self._reach()

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
        exchange = await self._reach()
        try:
            await exchange.publish(message, routing_key, mandatory=False, timeout=_SECONDS)
        except _LOST as problem:
            raise self._lost(problem) from problem

    async def _reach(self) -> AbstractExchange:
        if self._exchange is not None and self._channel is not None and not self._channel.is_closed:
            return self._exchange
        async with self._connecting:
            if self._exchange is not None and self._channel is not None and not self._channel.is_closed:
                return self._exchange
            return await self._connect()

    async def _connect(self) -> AbstractExchange:
        if time.monotonic() < self._paused_until:
            raise unavailable("the broker")
        try:
            async with asyncio.timeout(_SECONDS):
                await self.close()
                self._connection = await aio_pika.connect(self._url, ssl_context=self._context)
                self._channel = await self._connection.channel(publisher_confirms=True)
                self._exchange = await self._channel.get_exchange(self._exchange_name, ensure=False)
                return self._exchange
        except _LOST as problem:
            raise self._lost(problem) from problem

    def _lost(self, problem: Exception) -> Exception:
        self._paused_until = time.monotonic() + _PAUSE_SECONDS
        LOG.warning("the broker does not answer: %s", type(problem).__name__)
        return unavailable("the broker")
