"""Made-up ledgers: a platform that loses, repeats, changes and invents exactly what a test tells it to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from chaos.history import History, Mark, Operation, Told
from constat import entries

if TYPE_CHECKING:
    from constat.entries import Entry

TENANTS = {"t1": "11111111-0000-4000-8000-000000000001", "t10": "11111111-0000-4000-8000-000000000010"}
FAULT = 1000.0
OLD, NEW = 5001, 5002  # ports of the server that is hit and of the one that takes over


@dataclass(frozen=True)
class Write:
    """One write of a made-up ledger."""

    tenant: str
    writer: str
    seq: int
    at: float
    told: Told = Told.OK
    server: int = OLD
    took: float = 0.01
    unreplicated: bool = False

    @property
    def entry(self) -> Entry:
        """The row that it writes."""
        return entries.seal(TENANTS[self.tenant], writer=self.writer, seq=self.seq, previous_hash="")

    @property
    def operation(self) -> Operation:
        """What the history says of it."""
        row = self.entry
        return Operation(
            tenant=self.tenant,
            writer=self.writer,
            seq=self.seq,
            previous_hash=row.previous_hash,
            payload_hash=row.payload_hash,
            invoked=self.at,
            told=self.told,
            ended=self.at + self.took,
            server=self.server if self.told is Told.OK else None,
            unreplicated=self.unreplicated,
        )


@dataclass(frozen=True)
class World:
    """Writes before a fault, as they were told and as they were recovered."""

    writes: tuple[Write, ...]
    marks: dict[str, float] = field(default_factory=lambda: {Mark.COMMANDED: FAULT, Mark.CONFIRMED: FAULT + 0.3})

    @property
    def history(self) -> History:
        """What clients were told."""
        return History(
            organizations=TENANTS,
            operations=tuple(write.operation for write in self.writes),
            began=FAULT - 60,
            ended=FAULT + 60,
            marks=self.marks,
            clock_moved=0.0,
        )

    def rows(self, *, without: frozenset[tuple[str, int]] = frozenset()) -> list[Entry]:
        """What a platform that keeps its word has: what it acknowledged, except what it is told to lose."""
        return [write.entry for write in self.writes if write.told is Told.OK and (write.writer, write.seq) not in without]


def steady(*, per_second: float = 8, before: float = 40.0, after: float = 0.0, down: float = 0.0, writers: int = 4) -> World:
    """A ledger at a steady pace until the fault; after `down` seconds without service it goes on for `after` seconds."""
    pace, found = writers / per_second, []
    for tenant in TENANTS:
        for number in range(writers):
            name, seq, at = f"drill-{tenant}-{number}", 0, FAULT - before + pace * number / writers
            while at < FAULT + down + after:
                if not FAULT - 0.02 < at < FAULT + down:
                    found.append(Write(tenant, name, seq, at, server=OLD if at < FAULT else NEW))
                at, seq = at + pace, seq + 1
    return World(tuple(sorted(found, key=lambda write: write.at)))


def changed(world: World, key: tuple[str, int], **fields: object) -> World:
    """The same world with one write told otherwise."""
    return replace(world, writes=tuple(replace(w, **fields) if (w.writer, w.seq) == key else w for w in world.writes))  # type: ignore[arg-type]


def failing(world: World, since: float, until: float, *, tenants: tuple[str, ...] = ("t1", "t10"), told: Told = Told.FAIL) -> World:
    """The same world with writes of these tenants refused in between."""
    extra = tuple(
        Write(tenant, f"drill-{tenant}-9", number, since + (until - since) * number / 20, told=told)
        for tenant in tenants
        for number in range(20)
    )
    return replace(world, writes=(*world.writes, *extra))


@st.composite
def planted(draw: st.DrawFn) -> tuple[World, dict[str, frozenset[tuple[str, int]]]]:
    """A world and what is wrong in it: disjoint sets of keys by kind of defect."""
    world = steady(per_second=8, before=5.0)
    keys = [(write.writer, write.seq) for write in world.writes]
    chosen = draw(st.lists(st.sampled_from(keys), unique=True, max_size=24))
    kinds = draw(st.lists(st.sampled_from(["lost", "duplicated", "corrupt", "recovered", "vanished", "denied"]), min_size=24, max_size=24))
    wrong = {kind: frozenset(key for key, drawn in zip(chosen, kinds, strict=False) if drawn == kind) for kind in set(kinds)}
    for key in wrong.get("recovered", frozenset()) | wrong.get("vanished", frozenset()):
        world = changed(world, key, told=Told.UNKNOWN)
    for key in wrong.get("denied", frozenset()):
        world = changed(world, key, told=Told.FAIL)
    return world, wrong
