"""A drill as a line of moments, for people and for the report."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chaos.history import Mark, Told
from chaos.service import outages

if TYPE_CHECKING:
    from chaos.drill import Drill
    from chaos.history import History
    from constat.finding import Json


class Milestone(StrEnum):
    """What happens in a drill; the report has each in its own languages."""

    BEGINS = "the ledger begins"
    COMMANDED = "fault commanded"
    CONFIRMED = "fault confirmed"
    EFFECT = "the fault has taken effect"
    TROUBLE = "the first write is refused, or nothing is known of it"
    SERVER = "the first write is acknowledged by the server on port {who}"
    TENANT = "the first write of {who} is acknowledged"
    BACK = "service is back for every tenant"
    LET_GO = "fault let go"
    REDUNDANT = "redundancy back"
    ENDS = "the ledger ends"


_MARKS = {Mark.COMMANDED: Milestone.COMMANDED, Mark.CONFIRMED: Milestone.CONFIRMED}
_MARKS |= {Mark.LET_GO: Milestone.LET_GO, Mark.REDUNDANT: Milestone.REDUNDANT}


@dataclass(frozen=True, order=True)
class Moment:
    """When a milestone was reached, on the history's clock; `who` is the tenant or the port that it is about."""

    at: float
    milestone: Milestone
    who: str = ""

    @property
    def words(self) -> str:
        """What happened."""
        return self.milestone.format(who=self.who)


def moments(drill: Drill, effect: float) -> tuple[Moment, ...]:
    """What happened and when, in order."""
    history, struck = drill.history, drill.struck
    found = [Moment(history.began, Milestone.BEGINS), Moment(effect, Milestone.EFFECT)]
    found += [Moment(at, _MARKS[Mark(name)]) for name, at in history.marks.items()]
    found += [
        Moment(at, milestone) for at, milestone in ((struck.restored, Milestone.BACK), (history.ended, Milestone.ENDS)) if at is not None
    ]
    return tuple(sorted([*found, *_firsts(history, effect)]))


def text(drill: Drill, *, effect: float, zero: float) -> str:
    """The line, in seconds from `zero`, with each tenant's outages and the harness's own stalls."""
    lines = [f"{moment.at - zero:+9.3f} s  {moment.words}" for moment in moments(drill, effect)]
    lines += ["", "outages (from a bad write's invocation to the tenant's next acknowledgement):"]
    lines += [f"{span.began - zero:+9.3f} s  {span.tenant}: {span.seconds:.3f} s" for span in outages(drill.history, since=zero)] or [
        "  none"
    ]
    lines += ["", "stalls of the harness itself:"]
    lines += [f"{stall.at - zero:+9.3f} s  {stall.seconds:.3f} s" for stall in drill.history.stalls] or ["  none"]
    return "\n".join(lines) + "\n"


def document(drill: Drill, *, effect: float, zero: float) -> dict[str, Json]:
    """The same for the report: moments and spans in seconds from `zero`, and when that was by the wall clock."""
    history = drill.history
    return {
        "node": drill.struck.node,
        "utc": _utc(history, zero),
        "clock_moved": history.clock_moved,
        "tenants": list(history.tenants),
        "moments": [
            {"at": round(m.at - zero, 3), "milestone": m.milestone.name, "who": m.who, "words": m.words} for m in moments(drill, effect)
        ],
        "outages": [
            {"tenant": span.tenant, "from": round(span.began - zero, 3), "to": round(span.ended - zero, 3)}
            for span in outages(history, since=zero)
        ],
        "stalls": [{"to": round(stall.at - zero, 3), "seconds": round(stall.seconds, 3)} for stall in history.stalls],
    }


def _utc(history: History, moment: float) -> str | None:
    if history.offset is None:
        return None
    return datetime.datetime.fromtimestamp(history.offset + moment, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _firsts(history: History, effect: float) -> list[Moment]:
    """What a client saw first of the fault, and of each server that wrote since."""
    troubles = [write.ended for write in history.operations if write.ended and write.ended >= effect and write.told is not Told.OK]
    found = [Moment(min(troubles), Milestone.TROUBLE)] if troubles else []
    acks = sorted(
        (moment, write.tenant, write.server) for write in history.operations if (moment := write.acknowledged) and moment > effect
    )
    seen: set[object] = set()
    for moment, tenant, server in acks:
        for what, milestone in ((server, Milestone.SERVER), (tenant, Milestone.TENANT)):
            if what not in seen:
                found.append(Moment(moment, milestone, str(what)))
                seen.add(what)
    return found
