"""The history of a ledger: what was asked of the platform and what it said, in order and on one clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FORMAT: Final = 1

Event: TypeAlias = dict[str, Any]  # one JSON line of the file


class Told(StrEnum):
    """What a client was told of a write; a write of which it was told nothing is UNKNOWN, never a failure."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Mark(StrEnum):
    """Moments of a drill."""

    COMMANDED = "fault commanded"
    CONFIRMED = "fault confirmed"
    LET_GO = "fault let go"
    REDUNDANT = "redundancy back"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One write, from its invocation to what was said of it; times are seconds on the monotonic clock."""

    tenant: str
    writer: str
    seq: int
    previous_hash: str
    payload_hash: str
    invoked: float
    told: Told = Told.UNKNOWN
    ended: float | None = None
    server: int | None = None  # the port of the server that wrote it
    # Acknowledged, with the notice that the wait for the standby was given up (SQLSTATE 01000).
    unreplicated: bool = False
    reason: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What no two writes share."""
        return self.writer, self.seq

    @property
    def acknowledged(self) -> float | None:
        """When the client was told that it is written, or None."""
        return self.ended if self.told is Told.OK else None


@dataclass(frozen=True, kw_only=True)
class Stall:
    """A time in which the harness itself did not run: nothing is known of it."""

    at: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything that a ledger's file says."""

    organizations: Mapping[str, str]  # tenant → organization id
    operations: tuple[Operation, ...]
    began: float
    ended: float | None = None  # None: the file was never closed, the harness died
    marks: Mapping[str, float] = field(default_factory=dict)
    stalls: tuple[Stall, ...] = ()
    clock_moved: float | None = None  # seconds that the wall clock moved against the monotonic one
    offset: float | None = None  # seconds that the wall clock (since 1970) was ahead of the monotonic one at the beginning

    @property
    def tenants(self) -> tuple[str, ...]:
        """Whose writes it holds."""
        return tuple(self.organizations)

    def of(self, tenant: str) -> tuple[Operation, ...]:
        """The writes of one tenant."""
        return tuple(operation for operation in self.operations if operation.tenant == tenant)

    def acks(self, tenant: str | None = None) -> tuple[float, ...]:
        """When writes were acknowledged, in order; of one tenant or of all."""
        chosen = self.operations if tenant is None else self.of(tenant)
        return tuple(sorted(moment for operation in chosen if (moment := operation.acknowledged) is not None))

    def worst_stall(self, since: float, until: float) -> float:
        """The longest time in which the harness did not run, of those that touch the interval; seconds."""
        touching = [stall.seconds for stall in self.stalls if stall.at >= since and stall.at - stall.seconds <= until]
        return max(touching, default=0.0)


def read_history(path: Path) -> History:
    """Read a ledger's file back, so that a stored drill can be judged again.

    A torn last line (the harness was killed) is left out.  Raises UserError for anything
    else that is not a history.
    """
    lines = path.read_text("utf-8").split("\n")
    events: list[Event] = []
    for number, line in enumerate(lines, 1):
        try:
            events += [json.loads(line)] if line else []
        except ValueError as problem:
            if number == len(lines):
                break
            msg = f"{str(path)!r} line {number} is no event of a history ({problem}); the file was damaged, run the drill again"
            raise UserError(msg) from None
    try:
        return build(events)
    except (KeyError, TypeError, ValueError) as problem:
        msg = f"{str(path)!r} is not a history of format {FORMAT}: {problem!r}; run the drill again"
        raise UserError(msg) from None


def build(events: Iterable[Event]) -> History:
    """Put events together; raises KeyError, TypeError or ValueError when they make no history."""
    first, *others = events
    if first.get("event") != "begin" or first.get("format") != FORMAT:
        msg = f"begins with {first!r}, expected an event 'begin' of format {FORMAT}"
        raise ValueError(msg)
    last = others[-1] if others and others[-1]["event"] == "end" else None
    return History(
        organizations=dict(first["organizations"]),
        operations=tuple(_operations(first["writers"], others).values()),
        began=float(first["at"]),
        ended=float(last["at"]) if last else None,
        marks={event["name"]: float(event["at"]) for event in others if event["event"] == "mark"},
        stalls=tuple(Stall(at=event["at"], seconds=event["seconds"]) for event in others if event["event"] == "stall"),
        clock_moved=abs(last["offset"] - first["offset"]) if last else None,
        offset=float(first["offset"]) if "offset" in first else None,
    )


def _operations(tenants: Mapping[str, str], events: Iterable[Event]) -> dict[tuple[str, int], Operation]:
    found: dict[tuple[str, int], Operation] = {}
    for event in events:
        if event["event"] not in {"invoke", *Told}:
            continue
        key = (event["writer"], event["seq"])
        if (event["event"] == "invoke") == (key in found):
            msg = f"write {key!r} is invoked twice, or answered without having been invoked"
            raise ValueError(msg)
        found[key] = _invoked(tenants, event) if event["event"] == "invoke" else _answered(found[key], event)
    return found


def _invoked(tenants: Mapping[str, str], event: Event) -> Operation:
    return Operation(
        tenant=tenants[event["writer"]],
        writer=event["writer"],
        seq=event["seq"],
        previous_hash=event["previous"],
        payload_hash=event["hash"],
        invoked=event["at"],
    )


def _answered(operation: Operation, event: Event) -> Operation:
    return Operation(
        tenant=operation.tenant,
        writer=operation.writer,
        seq=operation.seq,
        previous_hash=operation.previous_hash,
        payload_hash=operation.payload_hash,
        invoked=operation.invoked,
        told=Told(event["event"]),
        ended=event["at"],
        server=event.get("server"),
        unreplicated=event.get("unreplicated", False),
        reason=event.get("reason", ""),
    )
