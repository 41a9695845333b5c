"""The verdict on a drill: a pure function of what was measured and what was promised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chaos import alarm, timeline
from chaos.fault import Promise
from chaos.history import Mark
from chaos.ledger import WINDOW, is_decidable, judge
from chaos.service import outages
from chaos.warmth import troubled
from constat import artefact, deadlines
from constat.evidence import Evidence
from constat.judgement import Judgement
from constat.objective import promise
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.drill import Drill
    from chaos.ledger import Account, Reckoning
    from constat.target import Recovery

# What the target file calls these objectives.
NODE_RTO: Final = "node_rto_seconds"
NODE_RPO: Final = "node_rpo_seconds"
# The wall clock may move by this much against the monotonic one before it is said; seconds.
CLOCK_MAY_MOVE: Final = 0.1
# A wait that is shorter than this is a busy machine, not a service that is away; seconds.
STUTTER: Final = 5.0


def judgements(drill: Drill, recovery: Recovery, *, evidence: tuple[Evidence, ...] = ()) -> Iterator[Judgement]:
    """Say how the drill ended, subject by subject; an instrument that cannot vouch ends it with that alone."""
    reckoning = judge(drill.history, drill.read, seen=drill.struck.read)
    instrument = _instrument(drill, reckoning, (*_timeline(drill, reckoning), *evidence))
    yield instrument
    if instrument.outcome is Outcome.ERROR:
        return
    if drill.struck.promise is Promise.GOES_ON:
        yield _goes_on(drill)
    elif recovery.node_rto_seconds is not None:
        yield _rto(drill, reckoning, recovery.node_rto_seconds, recovery.stable_seconds)
    if recovery.node_rpo_seconds is not None:
        for tenant, account in reckoning.tenants.items():
            yield _rpo(f"rpo: {tenant}", account, recovery.node_rpo_seconds)
        yield _rpo("rpo", reckoning.whole, recovery.node_rpo_seconds)
    yield _integrity(reckoning.whole)
    yield _redundancy(drill)
    if drill.struck.alarm is not None:
        yield alarm.judge(drill.struck.alarm)


def _goes_on(drill: Drill) -> Judgement:
    """A fault that tenants are not to notice: no write of theirs is refused, unknown or slow for longer than a stutter."""
    marks = drill.history.marks
    spans = outages(drill.history, since=marks[Mark.COMMANDED])
    longest = max((span.seconds for span in spans), default=0.0)
    return Judgement(
        subject="writes go on",
        outcome=Outcome.FAIL if longest > STUTTER else Outcome.PASS,
        reason=f"a tenant could not write for {longest:.1f} s"
        if longest > STUTTER
        else f"for the {marks[Mark.LET_GO] - marks[Mark.CONFIRMED]:.0f} s of the fault; the longest wait was {longest:.1f} s",
        expected={"no longer than": STUTTER},
        observed={"longest outage of a tenant": round(longest, 3)},
    )


def _instrument(drill: Drill, reckoning: Reckoning, evidence: tuple[Evidence, ...]) -> Judgement:
    history, commanded = drill.history, drill.history.marks[Mark.COMMANDED]
    before = troubled(history, commanded)
    moved, stall = history.clock_moved, history.worst_stall(history.began, history.ended or commanded)
    broken, doubts = list(drill.problems), []
    if history.ended is None or moved is None:
        broken.append("the history was never closed")
    elif moved > CLOCK_MAY_MOVE:
        doubts.append(f"the wall clock moved by {moved:.3f} s")
    if drill.struck.promise is not Promise.GOES_ON and not outages(history, since=reckoning.effect):
        broken.append("no write was disturbed, so it was not this node that served them")
    if before:
        doubts.append(f"{before} writes were refused or unknown in the {WINDOW:g} s before the fault")
    outcome = Outcome.ERROR if broken else Outcome.INCONCLUSIVE if doubts else Outcome.PASS
    return Judgement(
        subject="instrument",
        outcome=outcome,
        reason="; ".join(broken + doubts) or "the history is whole, the fault confirmed, and it disturbed writes",
        expected="trustworthy",
        observed=f"{reckoning.whole.attempted} writes of {len(history.tenants)} tenants, worst stall of the harness {stall:.3f} s",
        evidence=evidence,
    )


def _rto(drill: Drill, reckoning: Reckoning, promised: float, stable: float) -> Judgement:
    history, commanded, back = drill.history, drill.history.marks[Mark.COMMANDED], drill.struck.restored
    if back is None:
        return Judgement(
            subject="rto",
            outcome=Outcome.FAIL,
            reason=f"service was not back within {promised:g} s and stable for {stable:g} s",
            expected=promise(NODE_RTO, promised),
            observed={"seconds": "more than promised"},
        )
    seconds, doubt = back - commanded, history.worst_stall(commanded, back)
    outcome = Outcome.FAIL if seconds > promised else Outcome.INCONCLUSIVE if seconds + doubt > promised else Outcome.PASS
    longest = max((span.seconds for span in outages(history, since=reckoning.effect)), default=0.0)
    return Judgement(
        subject="rto",
        outcome=outcome,
        reason=f"service was back {seconds:.1f} s after the fault was commanded, and held for {stable:g} s",
        expected=promise(NODE_RTO, promised),
        observed={"seconds": round(seconds, 3), "uncertainty": round(doubt, 3), "longest outage of a tenant": round(longest, 3)},
    )


def _rpo(subject: str, account: Account, promised: float) -> Judgement:
    outcome, reason = _loss(account, promised)
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=promise(NODE_RPO, promised) | ({"lost": 0} if promised == 0 else {}),
        observed={
            "seconds": round(account.rpo_seconds, 3),
            "lost": len(account.lost),
            "acknowledged": account.acknowledged,
            "acknowledged without the standby": account.unreplicated,
            "unknown": account.unknown,
            "unknown and there": len(account.recovered),
            "resolution": "none" if account.resolution is None else round(account.resolution, 3),
        },
    )


def _loss(account: Account, promised: float) -> tuple[Outcome, str]:
    resolution = account.resolution
    of = f"of {account.acknowledged} acknowledged"
    if account.lost and (promised == 0 or account.rpo_seconds > promised):
        noticed = (
            f", {account.lost_unreplicated} of them with the notice that the standby was not waited for"
            if account.lost_unreplicated
            else ""
        )
        return Outcome.FAIL, f"{len(account.lost)} lost {of}, the oldest {account.rpo_seconds:.3f} s before the fault{noticed}"
    if not is_decidable(resolution, promised):
        return Outcome.INCONCLUSIVE, f"{len(account.lost)} lost {of}, but writes came too seldom to tell: resolution {_seconds(resolution)}"
    return Outcome.PASS, f"{len(account.lost)} lost {of}, resolution {_seconds(resolution)}"


def _integrity(account: Account) -> Judgement:
    seen = {name: len(getattr(account, name)) for name in ("unexpected", "duplicated", "corrupt", "holes")}
    worst = ", ".join(f"{writer}/{seq}" for writer, seq in account.wrong[:5])
    return Judgement(
        subject="integrity",
        outcome=Outcome.FAIL if account.wrong else Outcome.PASS,
        reason=f"rows that no recovery explains: {worst}"
        if account.wrong
        else "every row is as it was written, once, and nothing is missing in between",
        expected=dict.fromkeys(seen, 0),
        observed=seen,
    )


def _redundancy(drill: Drill) -> Judgement:
    let_go, back = drill.history.marks[Mark.LET_GO], drill.struck.redundant
    seconds = "more" if back is None else f"{back - let_go:.1f}"
    return Judgement(
        subject="redundancy",
        outcome=Outcome.FAIL if back is None else Outcome.PASS,
        reason=f"every node follows {seconds} s after {drill.struck.node} was given back"
        if back
        else f"not every node follows again since {drill.struck.node} was given back",
        expected=f"within {deadlines.REDUNDANCY_BACK:g} s",
        observed=f"{seconds} s" if back else f"not within {deadlines.REDUNDANCY_BACK:g} s",
    )


def _timeline(drill: Drill, reckoning: Reckoning) -> tuple[Evidence, ...]:
    """The drill's moments, for people and for the report."""
    zero = drill.history.marks[Mark.COMMANDED]
    return (
        Evidence(name="timeline.txt", content=timeline.text(drill, effect=reckoning.effect, zero=zero)),
        artefact.artefact(artefact.TIMELINE, timeline.document(drill, effect=reckoning.effect, zero=zero)),
    )


def _seconds(resolution: float | None) -> str:
    return "none" if resolution is None else f"{resolution:.3f} s"
