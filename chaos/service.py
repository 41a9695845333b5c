"""When service was back: the start of the first stretch in which every tenant's writes kept succeeding."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from chaos.history import Told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.history import History, Operation

# A write that takes longer than this is no service to whoever waits for it; seconds.
SLOWEST: Final = 1.0
# A stretch with fewer writes of a tenant proves nothing about that tenant.
FEWEST: Final = 20

Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A time in which writes of a tenant were refused, lost on the way or slow."""

    tenant: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended - self.began


def restored(history: History, *, since: float, stable: float, now: float | None = None) -> float | None:
    """When service was back for good, or None while it is not.

    The moment is an acknowledgement after `since`, such that for `stable` seconds from it
    no tenant had a bad write and each had at least FEWEST good ones; `now` is up to when
    the history is known.  Seconds on the history's clock.
    """
    end = now if now is not None else _last(history)
    acks = [history.acks(tenant) for tenant in history.tenants]
    start = since
    for began, ended in [*(span for span in _bad(history.operations, end) if span[1] >= since), (float("inf"), float("inf"))]:
        moment = _all_served(acks, start)
        if moment + stable > end:
            return None
        if moment + stable <= began and all(_number(tenant, moment, moment + stable) >= FEWEST for tenant in acks):
            return moment
        start = max(start, ended)
    return None


def outages(history: History, *, since: float) -> tuple[Outage, ...]:
    """Each tenant's times without service since then: from a bad write's invocation to the next acknowledgement."""
    end, found = _last(history), []
    for tenant in history.tenants:
        acks = history.acks(tenant)
        over = since
        for began, ended in _bad(history.of(tenant), end):
            if ended > over:
                over = min(acks[bisect.bisect_right(acks, ended) :], default=end)
                found.append(Outage(tenant=tenant, began=began, ended=over))
    return tuple(found)


def _bad(operations: Iterable[Operation], end: float) -> list[Span]:
    """When a write was under way that was no service, in order and merged; one without an answer lasts until the end."""
    spans = sorted((write.invoked, end if write.ended is None else write.ended) for write in operations if _is_bad(write, end))
    merged: list[Span] = []
    for began, ended in spans:
        if merged and began <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ended))
        else:
            merged.append((began, ended))
    return merged


def _is_bad(write: Operation, end: float) -> bool:
    if write.ended is None:
        return end - write.invoked > SLOWEST
    return write.told is not Told.OK or write.ended - write.invoked > SLOWEST


def _all_served(acks: list[tuple[float, ...]], since: float) -> float:
    """By when every tenant has had an acknowledgement from `since` on; infinity when one has not."""
    places = [bisect.bisect_left(tenant, since) for tenant in acks]
    return max(
        (tenant[place] if place < len(tenant) else float("inf") for tenant, place in zip(acks, places, strict=True)), default=float("inf")
    )


def _number(acks: tuple[float, ...], since: float, until: float) -> int:
    return bisect.bisect_right(acks, until) - bisect.bisect_left(acks, since)


def _last(history: History) -> float:
    if history.ended is not None:
        return history.ended
    return max([history.began, *(write.invoked if write.ended is None else write.ended for write in history.operations)])
