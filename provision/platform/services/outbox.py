"""Events that could not be published when they happened, published when the broker is back."""

from __future__ import annotations

import asyncio
import datetime
import logging
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from provision.platform.services.answer import encode
from provision.platform.services.problem import Problem

if TYPE_CHECKING:
    from provision.platform.services.broker import Broker
    from provision.platform.services.tokens import Caller

LOG: Final = logging.getLogger(__name__)
_KEPT: Final = 10_000
_PAUSE_SECONDS: Final = 1.0


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a property; `at` is the service's clock."""

    event_id: UUID
    verb: str
    property_id: UUID
    organization_id: UUID
    at: datetime.datetime
    detail: dict[str, Any]


class Outbox:
    """Publishes events; what the broker did not take waits in memory, in a tenant's order, at most 10,000 of each tenant's.

    No tenant waits for another's: each has a virtual host of its own, which may be away by itself.
    """

    name = "outbox"
    required = False

    def __init__(self, broker: Broker) -> None:
        """Take where events go."""
        self._broker = broker
        self._late: dict[str, deque[Event]] = {}

    async def open(self) -> None:
        """Begin to publish what is late."""
        self._catching_up = asyncio.create_task(self._catch_up())

    async def close(self) -> None:
        """Stop; what is still late is lost, and said so."""
        self._catching_up.cancel()
        if self._late:
            LOG.error("%d events were never published", sum(map(len, self._late.values())))

    async def check(self) -> None:
        """Raise Problem 503 while events are late."""
        if self._late:
            raise Problem(503, "events are late")

    async def publish(self, caller: Caller, verb: str, property_id: UUID, detail: dict[str, Any]) -> Event:
        """Publish now, and have it confirmed; Problem 503 when the broker did not."""
        event = _event(caller, verb, property_id, detail)
        await self._send(caller.tenant, event)
        return event

    async def publish_in_time(self, caller: Caller, verb: str, property_id: UUID) -> None:
        """Publish what has already happened: now when that works, else as soon as it does."""
        event = _event(caller, verb, property_id, {})
        if caller.tenant in self._late:  # in order: it waits behind those, and nobody waits for the broker
            self._postpone(caller.tenant, event)
            return
        try:
            await self._send(caller.tenant, event)
        except Problem:
            self._postpone(caller.tenant, event)

    def _postpone(self, tenant: str, event: Event) -> None:
        waiting = self._late.setdefault(tenant, deque(maxlen=_KEPT))
        if len(waiting) == _KEPT:
            LOG.error("the outbox of a tenant is full: its oldest event is lost")
        waiting.append(event)

    async def _send(self, tenant: str, event: Event) -> None:
        key = f"{tenant}.property.{event.verb}"
        await self._broker.publish(tenant, key, encode(event), kind=f"property.{event.verb}", message_id=str(event.event_id))

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.gather(*(self._publish_late(tenant) for tenant in tuple(self._late)))

    async def _publish_late(self, tenant: str) -> None:
        waiting = self._late[tenant]
        try:
            while waiting:
                event = waiting[0]
                await self._send(tenant, event)
                if waiting[0] is event:  # else it was lost meanwhile, because the outbox was full
                    waiting.popleft()
        except Problem:
            return  # still away, and the broker has said so in the log
        except Exception as problem:  # noqa: BLE001 - whatever it is, the next round tries again
            LOG.error("late events cannot be published: %s", type(problem).__name__)  # noqa: TRY400 - its text may hold a tenant's data
            return
        del self._late[tenant]


def _event(caller: Caller, verb: str, property_id: UUID, detail: dict[str, Any]) -> Event:
    return Event(
        event_id=uuid.uuid4(),
        verb=verb,
        property_id=property_id,
        organization_id=caller.organization_id,
        at=datetime.datetime.now(datetime.UTC),
        detail=detail,
    )
