"""The steady state: what the platform must look like before and after a fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.errors import HarnessError
from constat.judgement import Judgement
from constat.observe import replication
from constat.outcome import Outcome

if TYPE_CHECKING:
    from constat.observe.replication import Failover, Session, Standby
    from constat.stack import Postgres, Stack
    from constat.target import Recovery


@dataclass(frozen=True, kw_only=True)
class Steady:
    """The cluster at rest, as its primary, its coordinator and the application's session see it."""

    primary: str
    standbys: tuple[Standby, ...]
    failover: Failover
    session: Session
    unlogged: tuple[str, ...] = ()  # relations that a failover empties
    is_failsafe: bool = True  # whether the primary goes on when the coordinator is lost

    @property
    def guards(self) -> tuple[str, ...]:
        """The standbys that every commit waits for."""
        return tuple(standby.node for standby in self.standbys if standby.guards_commits)


def database(stack: Stack) -> Postgres:
    """The database that the drill is about; a control declares that it needs one."""
    if stack.postgres is None:
        msg = "a drill was started on a stack without a database; its control must declare needs=('postgres',)"
        raise HarnessError(msg)
    return stack.postgres


def observe(stack: Stack) -> Steady:
    """Look at the cluster; raises Unobservable when a part of it does not answer."""
    postgres = database(stack)
    return Steady(
        primary=replication.primary(postgres).node,
        standbys=replication.standbys(postgres),
        failover=replication.failover(stack),
        session=replication.session(postgres),
        unlogged=replication.unlogged(postgres),
        is_failsafe=replication.is_failsafe(stack),
    )


def judge(steady: Steady, recovery: Recovery) -> tuple[Judgement, ...]:
    """Say whether it is at rest in the way that was promised; a pure function."""
    promised_none_lost = recovery.node_rpo_seconds == 0
    kept = (_durability(steady), _logged(steady)) if promised_none_lost else ()
    return (_failover(steady), *kept, _failsafe(steady))


def _failsafe(steady: Steady) -> Judgement:
    return Judgement(
        subject="at rest: without the coordinator",
        outcome=Outcome.PASS if steady.is_failsafe else Outcome.FAIL,
        reason="the primary goes on when the coordinator is lost and its members answer"
        if steady.is_failsafe
        else "failsafe_mode is off: when the coordinator is lost, the primary steps down and nobody can write",
        expected=True,
        observed=steady.is_failsafe,
    )


def _logged(steady: Steady) -> Judgement:
    """A drill writes to one table; what the others would lose is seen in how they are kept."""
    return Judgement(
        subject="at rest: unlogged",
        outcome=Outcome.FAIL if steady.unlogged else Outcome.PASS,
        reason=f"in no log, so empty after a failover and in no restore: {', '.join(steady.unlogged)}"
        if steady.unlogged
        else "every table, index and sequence is logged",
        expected=[],
        observed=list(steady.unlogged),
    )


def _failover(steady: Steady) -> Judgement:
    seen = steady.failover
    if seen.is_paused:
        reason = "automatic failover is paused: a node that dies now is not replaced until somebody acts"
    elif not seen.candidates:
        reason = "no standby may be promoted"
    else:
        reason = ""
    return Judgement(
        subject="at rest: failover",
        outcome=Outcome.FAIL if reason else Outcome.PASS,
        reason=reason or f"{', '.join(seen.candidates)} would take over from {steady.primary}",
        expected={"paused": False, "candidates": "at least one"},
        observed={"paused": seen.is_paused, "candidates": ", ".join(seen.candidates) or "none"},
    )


def _durability(steady: Steady) -> Judgement:
    waits = steady.session.synchronous_commit in replication.WAITS_FOR_STANDBY
    return Judgement(
        subject="at rest: durability",
        outcome=Outcome.PASS if waits and steady.guards else Outcome.FAIL,
        reason="an acknowledged commit is on two nodes" if waits and steady.guards else "an acknowledged commit may be on one node only",
        expected={"synchronous_commit": "on", "standbys that guard commits": "at least one"},
        observed={
            "synchronous_commit": steady.session.synchronous_commit,
            "standbys that guard commits": ", ".join(steady.guards) or "none",
        },
    )
