"""Frozen nodes: a server that stops without a word, and one that wakes up and does not know that time has passed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from chaos import bypass, grounds, steady, verdict
from chaos.drill import conduct
from chaos.fault import Blow, Fault, Promise
from chaos.history import Mark
from chaos.selectors import select
from constat import entries
from constat.control import control
from constat.outcome import Impact, Occasion, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.bypass import Client
    from chaos.drill import Drill, Ground
    from chaos.instrument import Instrument
    from constat.entries import Entry
    from constat.judgement import Findings, Judgement
    from constat.stack import Stack
    from constat.target import Recovery, Target

_REFS: Final = ("ISO 27001 A.8.14", "ISO 27001 A.5.30", "SOC 2 A1.2", "NIST SP 800-34 CP-10", "DORA Art. 11(6)")


@control(
    "CHA-02",
    severity=Severity.CRITICAL,
    impact=Impact.DISRUPT,
    needs=("postgres", "machines", "tenants"),
    promises=("dr.objectives",),
    refs=_REFS,
    remediation="Give the lock of the primary a lifetime, fence who has lost it, and let every commit wait for a standby.",
    occasion=Occasion.DRILL,
)
def test_a_primary_that_wakes_up_acknowledges_nothing(
    stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path
) -> None:
    """The primary freezes: another takes over in time, and the old one acknowledges nothing that is lost when it wakes up."""
    recovery = target.objectives.recovery
    findings.judge(_primary(stack, attack_pair, recovery, tmp_path) if _may(stack) else steady.judge(steady.observe(stack), recovery))


@control(
    "CHA-03",
    severity=Severity.CRITICAL,
    impact=Impact.DISRUPT,
    needs=("postgres", "machines", "tenants"),
    promises=("dr.objectives",),
    refs=_REFS,
    remediation="Bound how long a commit waits for a standby that says nothing (wal_sender_timeout), and alert when none guards commits.",
    occasion=Occasion.DRILL,
)
def test_a_standby_may_freeze(stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path) -> None:
    """The standby that guards commits freezes: writes go on within the promised time, none is lost, and monitoring knows of it."""
    findings.judge(_standby(stack, attack_pair, target.objectives.recovery, tmp_path))


def _may(stack: Stack) -> bool:
    """Where nobody would take over, freezing the primary proves nothing that is not known already."""
    return steady.observe(stack).failover.is_armed


def _primary(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    with grounds.ground(stack, tenants, recovery, folder) as here:
        (node,) = select(stack, "primary")
        found: list[Client] = []

        @contextlib.contextmanager
        def beside(instrument: Instrument) -> Iterator[None]:
            organization = instrument.recording.so_far().organizations[tenants[0]]
            with bypass.clients(steady.database(stack), node, organization=organization, prefix=_direct(here)) as writing:
                found.extend(writing)
                bypass.await_first(writing)
                yield

        drill = conduct(here, Fault(nodes=(node,), blow=Blow.FROZEN, promise=Promise.TAKES_OVER), beside=beside)
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))
        yield _woken(found, drill, _rows(here, tenants[0]))


def _standby(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    with grounds.ground(stack, tenants, recovery, folder) as here:
        alert = "SynchronousStandbyMissing" if recovery.node_rpo_seconds == 0 else ""
        drill = conduct(here, Fault(nodes=select(stack, "standby"), blow=Blow.FROZEN, promise=Promise.TAKES_OVER, alert=alert))
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))


def _woken(clients: list[Client], drill: Drill, there: tuple[Entry, ...]) -> Judgement:
    marks = drill.history.marks
    answers = [answer for client in clients for answer in client.answers]
    return bypass.judge(answers, there, struck=marks[Mark.COMMANDED], woken=marks[Mark.LET_GO])


def _rows(here: Ground, tenant: str) -> tuple[Entry, ...]:
    postgres = steady.database(here.stack)
    with entries.connect(postgres.pooler_dsn) as connection:
        return entries.read(connection, postgres, here.stack.tenants[tenant].organization_id, prefix=_direct(here))


def _direct(here: Ground) -> str:
    """Of the drill's family, so that it is cleaned up, and not of its ledger."""
    return here.prefix.replace(grounds.FAMILY, f"{grounds.FAMILY}direct-")
