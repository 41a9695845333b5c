"""Publishers that wait for the broker's confirmation: what it has confirmed, it must still have."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import pika
import pika.exceptions

from constat import deadlines, wait
from constat.clock import monotonic
from constat.errors import HarnessError, NotReady, Unobservable
from constat.judgement import Judgement
from constat.observe import broker as brokers
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pika.adapters.blocking_connection import BlockingChannel

    from constat.stack import Broker, Stack

WORD: Final = "drill"
PACE: Final = 0.05
# From fewer confirmations before the fault nothing is said.
FEWEST: Final = 20
_PERSISTENT: Final = 2
Confirmed: TypeAlias = tuple[str, float]  # body and moment
_ERRORS: Final = (pika.exceptions.AMQPError, OSError)


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A tenant's own queue, durable and bound to an exchange of its own, both below its name."""

    broker: Broker
    parameters: pika.ConnectionParameters
    name: str

    def open(self) -> pika.BlockingConnection:
        """Connect as the tenant; pika's own errors when that is not possible."""
        return pika.BlockingConnection(self.parameters)


class Publisher(threading.Thread):
    """Publishes one message after the other, each confirmed, until the broker is gone or it is told to stop."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Take where to publish."""
        super().__init__(name=f"publisher {mailbox.name}", daemon=True)
        self._mailbox = mailbox
        self._stopped = threading.Event()
        self.confirmed: list[Confirmed] = []
        self.problem = ""

    def run(self) -> None:
        """Publish; that the broker goes away ends it, and is no problem of ours."""
        with contextlib.suppress(*_ERRORS), contextlib.closing(self._mailbox.open()) as connection:
            self._publish(connection.channel())

    def stop(self) -> None:
        """Ask it to end."""
        self._stopped.set()

    def _publish(self, channel: BlockingChannel) -> None:
        name = self._mailbox.name
        channel.confirm_delivery()
        channel.queue_declare(name, durable=True)
        channel.exchange_declare(name, "topic", durable=True)
        channel.queue_bind(name, name, "#")
        while not self._stopped.wait(PACE):
            body = f"{name}/{len(self.confirmed)}"
            channel.basic_publish(name, name, body.encode(), pika.BasicProperties(delivery_mode=_PERSISTENT), mandatory=True)
            self.confirmed.append((body, monotonic()))


@contextlib.contextmanager
def publishing(stack: Stack, tenants: Sequence[str]) -> Iterator[dict[str, Publisher]]:
    """Publish for each tenant while the block runs; raises Unobservable where one cannot."""
    found = {tenant: Publisher(mailbox(stack, tenant)) for tenant in tenants}
    for publisher in found.values():
        publisher.start()
    try:
        wait.until(
            lambda: min(len(publisher.confirmed) for publisher in found.values()),
            what="the broker confirms messages",
            within=deadlines.LEDGER_WARM,
            holds=lambda fewest: fewest >= FEWEST,
        )
        yield found
    except NotReady as problem:
        raise Unobservable(str(problem)) from None
    finally:
        for publisher in found.values():
            publisher.stop()
        for publisher in found.values():
            publisher.join()


def mailbox(stack: Stack, tenant: str) -> Mailbox:
    """The queue of a tenant that drills use."""
    if stack.broker is None:
        msg = "messages were asked for on a stack without a broker; the control must declare needs=('broker',)"
        raise HarnessError(msg)
    parameters = brokers.parameters(stack.broker, stack.tenants[tenant].broker, stack.broker.vhost_of(tenant))
    return Mailbox(broker=stack.broker, parameters=parameters, name=f"{tenant}.{WORD}")


def collect(box: Mailbox) -> tuple[str, ...]:
    """Everything that waits in it, taken out; raises Unobservable when the broker does not come back."""

    def take() -> tuple[str, ...]:
        with contextlib.closing(box.open()) as connection:
            channel, found = connection.channel(), []
            while (got := channel.basic_get(box.name, auto_ack=True))[0] is not None:
                found.append(got[2].decode())
            return tuple(found)

    try:
        return wait.until(take, what=f"queue {box.name!r} is read", within=deadlines.COMPONENT_READY, retry=_ERRORS, every=0.5)
    except NotReady as problem:
        raise Unobservable(str(problem)) from None


def remove(box: Mailbox) -> None:
    """Delete queue and exchange, also those of a run that was killed."""

    def delete() -> None:
        with contextlib.closing(box.open()) as connection:
            channel = connection.channel()
            channel.queue_delete(box.name)
            channel.exchange_delete(box.name)

    wait.until(delete, what=f"queue {box.name!r} is deleted", within=deadlines.COMPONENT_READY, retry=_ERRORS, every=0.5)


def judge(
    confirmed: Mapping[str, Sequence[tuple[str, float]]], found: Mapping[str, Sequence[str]], *, struck: float
) -> Iterator[Judgement]:
    """One subject a tenant: FAIL when what was confirmed is not there; a pure function."""
    for tenant, messages in confirmed.items():
        there = Counter(found[tenant])
        lost = [body for body, _ in messages if body not in there]
        before = sum(at < struck for _, at in messages)
        doubled = sum(number > 1 for number in there.values())
        reason = f"{len(lost)} lost of {len(messages)} confirmed" + (f": {', '.join(lost[:3])}" if lost else "")
        yield Judgement(
            subject=f"messages of {tenant}",
            outcome=Outcome.FAIL if lost else Outcome.PASS if before >= FEWEST else Outcome.ERROR,
            reason=f"{reason}; {doubled} delivered twice",
            expected=0,
            observed=len(lost),
            positive_control=f"{before} confirmed before the fault",
        )
