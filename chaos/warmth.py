"""Whether a ledger is warm: enough was acknowledged, lately, evenly and without trouble, to measure a fault by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chaos.history import Told
from chaos.ledger import WINDOW, is_decidable, resolution
from constat import deadlines, wait
from constat.clock import monotonic
from constat.errors import NotReady, Unobservable

if TYPE_CHECKING:
    from chaos.history import History
    from chaos.instrument import Instrument

# No verdict from fewer acknowledgements than these before the fault.
FEWEST: Final = 500
FEWEST_OF_A_TENANT: Final = 20  # in the window


@dataclass(frozen=True, kw_only=True)
class Warmth:
    """What a ledger has to show; times in seconds."""

    acknowledged: int
    least_of_a_tenant: int  # acknowledgements in the window, of the tenant that has the fewest
    coarsest: float | None  # the worst tenant's resolution
    troubled: int  # writes of the window that were refused or unknown

    def is_enough(self, promised: float) -> bool:
        """Whether an RPO of so many seconds can be measured from here."""
        plenty = self.acknowledged >= FEWEST and self.least_of_a_tenant >= FEWEST_OF_A_TENANT
        return plenty and not self.troubled and is_decidable(self.coarsest, promised)


def warmth(history: History, now: float) -> Warmth:
    """Look back from now over the window; a pure function."""
    acks = [history.acks(tenant) for tenant in history.tenants]
    resolutions = [resolution(of_tenant, now) for of_tenant in acks]
    known = [found for found in resolutions if found is not None]
    return Warmth(
        acknowledged=sum(map(len, acks)),
        least_of_a_tenant=min((sum(moment > now - WINDOW for moment in of_tenant) for of_tenant in acks), default=0),
        coarsest=max(known) if known and len(known) == len(acks) else None,
        troubled=troubled(history, now),
    )


def troubled(history: History, now: float) -> int:
    """How many writes that ended in the window were refused or unknown."""
    return sum(write.told is not Told.OK and now - WINDOW < (write.ended or 0.0) < now for write in history.operations)


def await_warmth(instrument: Instrument, promised: float) -> None:
    """Wait until the ledger is warm; raises Unobservable when that does not come."""
    try:
        wait.until(
            lambda: warmth(instrument.recording.so_far(), monotonic()),
            what="the ledger is warm",
            within=deadlines.LEDGER_WARM,
            every=0.5,
            holds=lambda seen: seen.is_enough(promised),
        )
    except NotReady as problem:
        said = sorted({write.reason for write in instrument.recording.so_far().operations if write.reason})
        msg = f"{problem}; said of writes: {'; '.join(said[:3]) or 'nothing'}"
        raise Unobservable(msg) from None
