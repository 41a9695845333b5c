"""The steady state, judged from facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos.selectors import PARTS, SERVERS, select
from chaos.steady import Steady, judge
from constat.errors import UserError
from constat.observe.replication import Failover, Session, Standby
from constat.outcome import Outcome
from constat.stack import Stack
from constat.target import Recovery

GUARDED = Standby(node="postgres-2", state="streaming", sync_state="sync")
NONE_LOST = Recovery(node_rto_seconds=60, node_rpo_seconds=0)


def steady(
    *, standbys: tuple[Standby, ...] = (GUARDED,), paused: bool = False, candidates: tuple[str, ...] = ("postgres-2",), commit: str = "on"
) -> Steady:
    """A cluster at rest, as told."""
    return Steady(
        primary="postgres-1",
        standbys=standbys,
        failover=Failover(is_paused=paused, candidates=candidates),
        session=Session(synchronous_commit=commit, server_port=5001),
    )


def outcomes(seen: Steady, promise: Recovery = NONE_LOST) -> list[Outcome]:
    """Failover, durability, what is in no log, and the loss of the coordinator."""
    return [judgement.outcome for judgement in judge(seen, promise)]


def test_a_guarded_cluster_that_fails_over_is_at_rest() -> None:
    """A synchronous standby that may be promoted is what was promised."""
    assert outcomes(steady()) == [Outcome.PASS] * 4


@pytest.mark.parametrize("seen", [steady(paused=True), steady(candidates=())], ids=["paused", "nobody may be promoted"])
def test_without_automatic_failover_it_is_not(seen: Steady) -> None:
    """A cluster that waits for somebody to act fails before anything is killed."""
    assert outcomes(seen)[0] is Outcome.FAIL
    assert not seen.failover.is_armed


@pytest.mark.parametrize("commit", ["off", "local"])
def test_an_application_that_does_not_wait_is_not_durable(commit: str) -> None:
    """The application's own session decides what its commits wait for."""
    assert outcomes(steady(commit=commit))[1] is Outcome.FAIL


@pytest.mark.parametrize(
    "standbys",
    [
        (),
        (Standby(node="postgres-2", state="streaming", sync_state="async"),),
        (Standby(node="postgres-2", state="catchup", sync_state="sync"),),
    ],
    ids=["none", "asynchronous", "catching up"],
)
def test_without_a_guard_commits_are_not_durable(standbys: tuple[Standby, ...]) -> None:
    """A standby that is not there, not waited for, or behind guards nothing."""
    assert outcomes(steady(standbys=standbys))[1] is Outcome.FAIL


def test_a_relation_in_no_log_is_lost_whatever_commits_wait_for() -> None:
    """A table that the drill does not write to is named too."""
    judged = judge(replace(steady(), unlogged=("leads", "notifications")), NONE_LOST)

    assert [j.observed for j in judged if j.outcome is Outcome.FAIL] == [["leads", "notifications"]]


def test_a_primary_that_gives_up_with_the_coordinator_is_not_at_rest() -> None:
    """Failsafe mode off fails, whatever was promised about writes."""
    judged = judge(replace(steady(), is_failsafe=False), Recovery(node_rto_seconds=60, node_rpo_seconds=60))

    assert [(j.subject, j.outcome) for j in judged][-1] == ("at rest: without the coordinator", Outcome.FAIL)


def test_a_platform_that_may_lose_writes_need_not_guard_them() -> None:
    """Durability on two nodes is judged only where no loss was promised."""
    assert outcomes(steady(standbys=(), commit="off"), Recovery(node_rto_seconds=60, node_rpo_seconds=60)) == [Outcome.PASS] * 2


def test_a_selector_is_a_known_word() -> None:
    """A fault without a known selector is refused, and the known ones are named."""
    stack = Stack(name="made-up", target="made-up", provider="none", disposable=False, run_dir="/nowhere")

    with pytest.raises(UserError, match="expected one of all, broker and cache, "):
        select(stack, "any")
    with pytest.raises(UserError, match="needs a database"):
        select(stack, "primary")
    assert set(SERVERS) == {"primary", "standby", "one", "all"}
    assert set(PARTS) == {"way", "coordinator", "coordinator's majority", "object store", "broker and cache"}
