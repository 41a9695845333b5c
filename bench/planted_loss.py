"""Does the ledger measure a loss as long as it was?  `python -m bench.planted_loss STACK [SECONDS]...` on a stack that is up.

Commits are let go without the standby, the log is kept from leaving the primary for so many seconds, and then its node is killed.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chaos import grounds, steady
from chaos.drill import conduct
from chaos.fault import Blow, Fault, Promise
from chaos.history import Mark
from chaos.ledger import judge
from chaos.selectors import select
from constat import deadlines, wait
from constat.clock import monotonic
from constat.errors import NotReady, Unobservable
from constat.observe import replication
from fixtures.stack import attach
from mutants.chaos import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Stack
    from constat.target import Target

LOSSES: Final = (0.5, 2.0, 10.0)


def measure(stack: Stack, target: Target, seconds: float) -> str:
    """Lose so much and say what was measured, with the resolution, as a line of a table."""
    held: list[float] = []

    @contextlib.contextmanager
    def held_back(_instrument: object) -> Iterator[None]:
        held.append(_hold_back(stack))
        wait.pause(held[0] + seconds - monotonic())
        yield

    with _asynchronous(stack), tempfile.TemporaryDirectory() as folder:
        tenants = (target.attack_pair or ("", ""))[:2]
        with grounds.ground(stack, tenants, target.objectives.recovery, Path(folder)) as here:
            drill = conduct(here, Fault(nodes=select(stack, "primary"), blow=Blow.KILLED, promise=Promise.TAKES_OVER), beside=held_back)
    reckoning = judge(drill.history, drill.read, seen=drill.struck.read)
    planted = reckoning.effect - held[0]
    found, resolution = reckoning.whole.rpo_seconds, reckoning.whole.resolution or float("inf")
    verdict = "within" if abs(found - planted) <= resolution else "NOT within"
    lasted = drill.history.marks[Mark.COMMANDED] - held[0]
    lost = f"{len(reckoning.whole.lost)} of {reckoning.whole.acknowledged} acknowledged"
    return f"| {seconds:g} | {lasted:.3f} | {planted:.3f} | {found:.3f} | {resolution:.3f} | {verdict} | {lost} |"


def _hold_back(stack: Stack) -> float:
    """Stop what sends the log, and see that it has stopped; when it had."""
    cluster.send(cluster.senders(stack), signal.SIGSTOP)
    wait.until(lambda: cluster.stopped(stack), what="the senders have stopped", within=deadlines.FAULT_CONFIRMED, every=0.01, holds=bool)
    return monotonic()


@contextlib.contextmanager
def _asynchronous(stack: Stack) -> Iterator[None]:
    """Let commits not wait for a standby while the block runs."""
    cluster.set_settings(stack, {"synchronous_mode": False})
    try:
        _await(stack, guarded=False)
        yield
    finally:
        cluster.send(cluster.stopped(stack), signal.SIGCONT)
        cluster.set_settings(stack, {"synchronous_mode": True})
        _await(stack, guarded=True)


def _await(stack: Stack, *, guarded: bool) -> None:
    wait.until(
        lambda: replication.standbys(steady.database(stack)),
        what=f"commits {'wait' if guarded else 'do not wait'} for a standby",
        within=deadlines.REDUNDANCY_BACK,
        retry=(Unobservable, NotReady),
        holds=lambda standbys: bool(standbys) and guarded == any(standby.guards_commits for standby in standbys),
    )


if __name__ == "__main__":
    subject = attach(sys.argv[1])
    print("| asked | held until the command | lost until the fault took effect | measured | resolution | | acknowledged writes lost |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for word in sys.argv[2:] or map(str, LOSSES):
        print(measure(subject.stack, subject.target, float(word)), flush=True)
