"""`constat load`: how the platform answers at a rate, or the highest rate at which its promise still holds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import OUT, Told
from cli.options import DEFAULT_TARGET, STACK_NAME, Name
from cli.standing import standing
from constat.outcome import Outcome, exit_code
from constat.target import load_target
from load.calibration import calibration
from load.gates import gates, table
from load.judging import judgements
from load.limit import find_limit
from load.plan import arrival_rate
from load.trying import plan_at, step, try_once
from provision.home import stack_directory
from provision.provider import provider

if TYPE_CHECKING:
    from constat.stack import Stack
    from constat.target import Target
    from load.gates import Gate
    from load.limit import Limit, Step

LEAST, MOST = 5.0, 4000.0

TargetOption = Annotated[Path | None, typer.Option("--target", help="the target file (for a stack that is not up)", metavar="FILE")]
Rate = Annotated[float | None, typer.Option("--rate", min=1.0, help="requests a second (else what the promised users ask)", metavar="N")]
Seconds = Annotated[float, typer.Option("--seconds", min=5.0, help="how long each run lasts, after its warm-up", metavar="S")]
FindLimit = Annotated[bool, typer.Option("--find-limit", help="search the highest rate at which the promise still holds")]
KeepUp = Annotated[bool, typer.Option("--keep-up", help="leave the stack up afterwards")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("load", help="Measure latency at a rate, or search the highest rate that holds.")(load)


def load(
    target: TargetOption = None,
    name: Name = STACK_NAME,
    rate: Rate = None,
    seconds: Seconds = 20.0,
    *,
    find: FindLimit = False,
    keep_up: KeepUp = False,
) -> None:
    """Exit 0 when the promise holds (with --find-limit: at the promised rate), 1 when it is broken, 6 when nothing can be said."""
    with Told() as told, standing(name, target, default=DEFAULT_TARGET, keep_up=keep_up, install=False, told=told):
        directory = stack_directory(name)
        claim = load_target(directory / "target.toml")
        stack = provider(claim.provider).attach(name)
        asked = rate or _promised(claim)
        told.note("calibrating the generator (once for each machine and version)")
        calibrated = calibration().gate()
        search = partial(_search, told=told) if find else _once
        code = search(stack, claim, calibrated, rate=asked, seconds=seconds)
    raise typer.Exit(code)


def _promised(claim: Target) -> float:
    objective = claim.objectives.latency
    return arrival_rate(objective.concurrent_users, think=objective.think_seconds) if objective else 1.0


def _once(stack: Stack, claim: Target, calibrated: Gate, *, rate: float, seconds: float) -> int:
    run = try_once(plan_at(stack, claim, rate=rate, seconds=seconds), stack)
    found = judgements(run, calibration=calibrated, gateway_url=stack.gateway.url if stack.gateway else "")
    OUT.print(found[0].evidence[0].content.splitlines()[0], "", soft_wrap=True)
    for one in found:
        OUT.print(f"{one.outcome!s:<13} {one.subject}: {one.reason}", soft_wrap=True)
    OUT.print("", table((*gates(run), calibrated)), sep="\n")
    return exit_code(one.outcome for one in found)


def _search(stack: Stack, claim: Target, calibrated: Gate, *, rate: float, seconds: float, told: Told) -> int:
    def probe(at: float) -> Step:
        seen = step(try_once(plan_at(stack, claim, rate=at, seconds=seconds), stack), calibrated)
        told.note(f"{at:7.0f} requests/s: {seen.outcome}, {seen.words}")
        return seen

    found = find_limit(probe, start=rate, least=LEAST, most=MOST)
    OUT.print(_sentence(found), soft_wrap=True)
    return _verdict(found, rate)


def _sentence(found: Limit) -> str:
    holds = f"holds at {found.holds:.0f} requests a second" if found.holds else "holds at no rate that was tried"
    breaks = f"is broken at {found.breaks:.0f}" if found.breaks else "was not shown to break at any rate that could be tried"
    return f"The promise {holds} and {breaks} ({found.why})."


def _verdict(found: Limit, promised: float) -> int:
    if found.holds >= promised:
        return exit_code([Outcome.PASS])
    is_broken = found.breaks is not None and found.breaks <= promised
    return exit_code([Outcome.FAIL if is_broken else Outcome.INCONCLUSIVE])
