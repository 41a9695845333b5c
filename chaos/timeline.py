"""A drill as a line of moments, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.history import Told
from chaos.service import outages

if TYPE_CHECKING:
    from chaos.drill import Drill
    from chaos.history import History


def moments(drill: Drill, effect: float) -> tuple[tuple[float, str], ...]:
    """What happened and when, in order; moments on the history's clock."""
    history, struck = drill.history, drill.struck
    found = [(history.began, "the ledger begins"), (effect, "the fault has taken effect")]
    found += [(moment, name) for name, moment in history.marks.items()]
    found += [
        (moment, text)
        for moment, text in ((struck.restored, "service is back for every tenant"), (history.ended, "the ledger ends"))
        if moment
    ]
    found += _firsts(history, effect)
    return tuple(sorted(found))


def text(drill: Drill, *, effect: float, zero: float) -> str:
    """The line, in seconds from `zero`, with each tenant's outages and the harness's own stalls."""
    lines = [f"{moment - zero:+9.3f} s  {what}" for moment, what in moments(drill, effect)]
    lines += ["", "outages (from a bad write's invocation to the tenant's next acknowledgement):"]
    lines += [f"{span.began - zero:+9.3f} s  {span.tenant}: {span.seconds:.3f} s" for span in outages(drill.history, since=zero)] or [
        "  none"
    ]
    lines += ["", "stalls of the harness itself:"]
    lines += [f"{stall.at - zero:+9.3f} s  {stall.seconds:.3f} s" for stall in drill.history.stalls] or ["  none"]
    return "\n".join(lines) + "\n"


def _firsts(history: History, effect: float) -> list[tuple[float, str]]:
    """What a client saw first of the fault, and of each server that wrote since."""
    troubles = [write.ended for write in history.operations if write.ended and write.ended >= effect and write.told is not Told.OK]
    found = [(min(troubles), "the first write is refused, or nothing is known of it")] if troubles else []
    acks = sorted(
        (moment, write.tenant, write.server) for write in history.operations if (moment := write.acknowledged) and moment > effect
    )
    seen: set[object] = set()
    for moment, tenant, server in acks:
        for what, words in (
            (server, f"the first write is acknowledged by the server on port {server}"),
            (tenant, f"the first write of {tenant} is acknowledged"),
        ):
            if what not in seen:
                found.append((moment, words))
                seen.add(what)
    return found
