"""Broker and cache: both die, tenants go on writing, and what the broker has confirmed survives."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from chaos import grounds, messages, verdict
from chaos.drill import conduct
from chaos.fault import Blow, Fault, Promise
from chaos.history import Mark
from chaos.selectors import select
from constat.control import control
from constat.outcome import Impact, Occasion, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chaos.instrument import Instrument
    from chaos.messages import Publisher
    from constat.judgement import Findings, Judgement
    from constat.stack import Stack
    from constat.target import Recovery, Target

# How long both are away; monitoring has to notice within it.  Seconds.
LASTS: Final = 10.0


@control(
    "CHA-07",
    severity=Severity.HIGH,
    impact=Impact.DISRUPT,
    needs=("postgres", "broker", "cache", "machines", "tenants"),
    promises=("dr.objectives",),
    refs=("ISO 27001 A.8.14", "SOC 2 A1.2", "NIST SP 800-34 CP-10", "DORA Art. 11(6)"),
    remediation="Declare queues durable and publish persistent messages with confirms; let no write wait for the cache or the broker.",
    occasion=Occasion.DRILL,
)
def test_confirmed_messages_survive_the_brokers_death(
    stack: Stack, target: Target, attack_pair: tuple[str, str], findings: Findings, tmp_path: Path
) -> None:
    """Broker and cache die: tenants go on writing, every message that was confirmed is there afterwards, and monitoring knows."""
    findings.judge(_drilled(stack, attack_pair, target.objectives.recovery, tmp_path))


def _drilled(stack: Stack, tenants: tuple[str, ...], recovery: Recovery, folder: Path) -> Iterator[Judgement]:
    fault = Fault(nodes=select(stack, "broker and cache"), blow=Blow.KILLED, promise=Promise.GOES_ON, lasts=LASTS, alert="BrokerDown")
    boxes = {tenant: messages.mailbox(stack, tenant) for tenant in tenants}
    publishers: dict[str, Publisher] = {}

    @contextlib.contextmanager
    def beside(_instrument: Instrument) -> Iterator[None]:
        with messages.publishing(stack, tenants) as found:
            publishers.update(found)
            yield

    with contextlib.ExitStack() as cleaning, grounds.ground(stack, tenants, recovery, folder) as here:
        for box in boxes.values():
            messages.remove(box)
            cleaning.callback(messages.remove, box)
        drill = conduct(here, fault, beside=beside)
        there = {tenant: messages.collect(box) for tenant, box in boxes.items()}
        confirmed = {tenant: publisher.confirmed for tenant, publisher in publishers.items()}
        yield from messages.judge(confirmed, there, struck=drill.history.marks[Mark.COMMANDED])
        yield from verdict.judgements(drill, recovery, evidence=grounds.files(here, drill))
