"""Every arrival with the request that it will send, made before the first is sent."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from load.door import Door
from load.operations import MIX, Shot, shot, words_of
from load.plan import CONTROL, schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.stack import Gateway, Tenant
    from load.order import ControlStream, Order


@dataclass(frozen=True)
class Doors:
    """Where requests go: the platform's gateway, and the stub of the control stream."""

    gateway: Door
    control: Door


def doors(gateway: Gateway, control: ControlStream, *, timeout: float) -> Doors:
    """Reach each by its own authority only; seconds."""
    return Doors(*(Door(one.url, context=ssl.create_default_context(cafile=one.ca), timeout=timeout) for one in (gateway, control)))


def aim(order: Order, through: Doors, tenants: Mapping[str, Tenant], tokens: Mapping[str, str]) -> list[tuple[float, Shot, Door]]:
    """(offset, request, where to) of every arrival, in order."""
    shots = _shots(order, through.gateway.host, tenants, tokens)
    wire = f"GET /control HTTP/1.1\r\nHost: {through.control.host}\r\n\r\n".encode()
    control = (Shot(method="GET", wire=wire, status=200, shows=(), foreign=()), through.control)
    aimed = []
    for place, (offset, operation, tenant) in enumerate(schedule(order.plan)):
        choices = shots.get((operation, tenant), [])
        chosen, door = control if operation == CONTROL else (choices[place % len(choices)], through.gateway)
        aimed.append((offset, chosen, door))
    return aimed


def _shots(order: Order, host: str, tenants: Mapping[str, Tenant], tokens: Mapping[str, str]) -> dict[tuple[str, str], list[Shot]]:
    """For each operation and tenant, one request for each property that was planted."""
    made: dict[tuple[str, str], list[Shot]] = {}
    for name, estate in order.estates.items():
        foreign = tuple(other.canary for neighbour, other in order.estates.items() if neighbour != name)
        login = tenants[name].api
        for one in estate.planted:
            words = words_of(one, canary=estate.canary, user=login.user, password=login.password)
            for row in MIX:
                filled = shot(row, host=host, token=tokens[name], words=words, foreign=foreign)
                made.setdefault((row.name, name), []).append(filled)
    return made
