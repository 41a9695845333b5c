"""Judge a ledger: what clients were told against what the platform still has after the fault."""

from __future__ import annotations

import bisect
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from chaos.history import Mark, Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chaos.history import History, Operation
    from constat.entries import Entry

# The resolution of a measurement is taken from this long before the fault, in seconds.
WINDOW: Final = 10.0
# Where nothing at all may be lost, a tenant's writes must come at least this often to say so; seconds.
COARSEST: Final = 1.0
# Else a measurement must be finer than the promise by this factor.
FINER: Final = 10

Key: TypeAlias = tuple[str, int]  # writer and number


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of the writes of one tenant, or of all; keys in order."""

    attempted: int
    acknowledged: int
    unreplicated: int  # of the acknowledged: with the notice that the standby was not waited for
    failed: int
    unknown: int
    lost: tuple[Key, ...] = ()  # acknowledged and not there
    lost_unreplicated: int = 0  # how many of the lost were acknowledged with that notice
    unexpected: tuple[Key, ...] = ()  # there, though never attempted or definitely refused
    duplicated: tuple[Key, ...] = ()  # there more than once
    corrupt: tuple[Key, ...] = ()  # there with another content than was written
    recovered: tuple[Key, ...] = ()  # nothing was said of them, and they are there
    holes: tuple[Key, ...] = ()  # lost, though something younger is there: not the end of a log
    rpo_seconds: float = 0.0  # age of the oldest lost write when the fault took effect
    resolution: float | None = None  # longest time without an acknowledgement before the fault; None: fewer than two

    @property
    def wrong(self) -> tuple[Key, ...]:
        """What no kind of recovery excuses."""
        return tuple(sorted({*self.unexpected, *self.duplicated, *self.corrupt, *self.holes}))


@dataclass(frozen=True, kw_only=True)
class Reckoning:
    """The judgement of a ledger: as a whole and tenant by tenant."""

    whole: Account
    tenants: Mapping[str, Account]
    effect: float  # when the fault took effect, on the history's clock


def judge(history: History, recovered: Iterable[Entry], *, seen: Iterable[Entry] = ()) -> Reckoning:
    """Compare the history with the rows that were read after recovery; a pure function.

    `seen` are rows of an earlier read: one that vanished since is lost, whatever the
    client was told.  Method: Jepsen's ok / fail / info; RPO as the age of the oldest lost
    acknowledged write when the fault took effect.
    """
    rows, moment = tuple(recovered), effect(history)
    known = {entry.key for entry in seen}
    owners = {organization: tenant for tenant, organization in history.organizations.items()}
    by_tenant = {
        tenant: _account(history, history.of(tenant), [row for row in rows if owners.get(row.organization_id) == tenant], known, moment)
        for tenant in history.tenants
    }
    return Reckoning(whole=_account(history, history.operations, rows, known, moment), tenants=by_tenant, effect=moment)


def effect(history: History) -> float:
    """When the fault took effect: when it was commanded, or the last acknowledgement of the server that was hit, if later.

    A server may still answer between the command and the moment when it is seen to be gone.
    Without a fault it is the end of the history.
    """
    commanded = history.marks.get(Mark.COMMANDED)
    if commanded is None:
        return max([history.ended or history.began, *(operation.invoked for operation in history.operations), *history.acks()])
    gone = history.marks.get(Mark.CONFIRMED, commanded)
    early = [(moment, operation.server) for operation in history.operations if (moment := operation.acknowledged) and moment <= gone]
    hit = max((answer for answer in early if answer[0] < commanded), default=(commanded, None))[1]
    return max([commanded, *(moment for moment, server in early if server == hit)])


def _account(history: History, operations: Iterable[Operation], rows: Iterable[Entry], known: set[Key], moment: float) -> Account:
    writes = {operation.key: operation for operation in operations}
    counts = Counter(row.key for row in rows)
    acknowledged = {key: write for key, write in writes.items() if write.told is Told.OK}
    lost = {key: write for key, write in writes.items() if key not in counts and (write.told is Told.OK or key in known)}
    refused = {key for key, write in writes.items() if write.told is Told.FAIL}
    return Account(
        attempted=len(writes),
        acknowledged=len(acknowledged),
        unreplicated=sum(write.unreplicated for write in acknowledged.values()),
        failed=len(refused),
        unknown=len(writes) - len(acknowledged) - len(refused),
        lost=tuple(sorted(lost)),
        lost_unreplicated=sum(write.unreplicated for write in lost.values()),
        unexpected=tuple(sorted(key for key in counts if key not in writes or key in refused)),
        duplicated=tuple(sorted(key for key, number in counts.items() if number > 1)),
        corrupt=tuple(sorted({row.key for row in rows if row.key in writes and not _is_as_written(row, writes[row.key], history)})),
        recovered=tuple(sorted(key for key in counts if key in writes and writes[key].told is Told.UNKNOWN)),
        holes=_holes(lost, [write for key, write in writes.items() if key in counts], moment),
        rpo_seconds=max([0.0, *(moment - write.ended for write in lost.values() if write.ended is not None)]),
        resolution=resolution([write.ended for write in acknowledged.values() if write.ended is not None], moment),
    )


def _is_as_written(row: Entry, write: Operation, history: History) -> bool:
    written = (history.organizations[write.tenant], write.previous_hash, write.payload_hash)
    return row.is_whole and (row.organization_id, row.previous_hash, row.payload_hash) == written


def _holes(lost: Mapping[Key, Operation], survivors: Iterable[Operation], moment: float) -> tuple[Key, ...]:
    """Lost writes that were not at the end of the log of the server that was hit.

    A server that recovers from its log loses the end of it and nothing else: what was
    acknowledged before a survivor began is not the end.  Neither is what was acknowledged
    after the fault had taken effect.
    """
    youngest = max((write.invoked for write in survivors if (write.acknowledged or moment) < moment), default=float("-inf"))
    return tuple(sorted(key for key, write in lost.items() if write.ended is not None and (write.ended > moment or write.ended < youngest)))


def resolution(acks: Iterable[float], moment: float) -> float | None:
    """The longest gap between acknowledgements in the window before a moment, the last one included; None with fewer than two.

    A loss that is shorter than this could not have been told from none.  Seconds.
    """
    ordered = sorted(acks)
    inside = ordered[bisect.bisect_left(ordered, moment - WINDOW) : bisect.bisect_right(ordered, moment)]
    if len(inside) < 2:  # noqa: PLR2004 - a gap is between two
        return None
    return max(later - earlier for earlier, later in zip(inside, [*inside[1:], moment], strict=True))


def is_decidable(resolution: float | None, promised: float) -> bool:
    """Whether a measurement of that resolution can carry a verdict on an RPO of so many seconds."""
    return resolution is not None and resolution <= (COARSEST if promised == 0 else promised / FINER)
