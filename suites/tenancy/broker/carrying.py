"""Plumbing: a message of the victim's is sent on every way that it can take, and looked for in every queue there is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pika

from constat import wait
from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.broker.ground import WORD
from suites.tenancy.campaign import OK

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

    from constat.attempt import Answer
    from constat.observe.topology import Part, Topology
    from suites.tenancy.broker.line import Line, Talk

_DEEPEST: Final = 200_000
_CARRIED_SECONDS: Final = 0.3


@dataclass(frozen=True, kw_only=True)
class Landed:
    """Where a message was found, and whose that queue is; nobody's is the platform's."""

    queue: Part
    owners: frozenset[str]
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Member:
    """A tenant as the broker knows it."""

    name: str
    user: str
    vhost: str


def owners(part: Part, found: Topology, tenants: tuple[Member, ...]) -> frozenset[str]:
    """Which tenants have a queue: by its name, by what they may do there, or by the virtual host that is theirs alone."""
    by_name = {tenant.name for tenant in tenants if part.name.startswith(f"{tenant.name}.")}
    by_right = {tenant.name for tenant in tenants for right in found.rights if right.user == tenant.user and right.reaches(part)}
    by_host = {tenant.name for tenant in tenants if tenant.vhost == part.vhost}
    return frozenset(by_name | by_right | (by_host if len(by_host) == 1 else set()))


def locked(lines: dict[str, Line], found: Topology) -> tuple[Part, ...]:
    """The queues that belong to one connection alone: the server lets nobody else look into them, its administrator neither."""
    queues = [part for part in found.parts if part.kind == "queue" and part.vhost in lines]
    return tuple(part for part in queues if is_locked(lines[part.vhost].act(_look(part.name))))


def is_locked(answer: Answer) -> bool:
    """Whether the server says that the queue is another connection's own."""
    return answer.kind == "amqp 405" and "RESOURCE_LOCKED" in answer.shown


def judge_locked(part: Part, whose: frozenset[str]) -> Judgement:
    """Nobody but its holder can say what lies in it."""
    holders = ", ".join(sorted(whose)) or "the platform"
    return Judgement(
        subject=f"queue {part.vhost}/{part.name}",
        outcome=Outcome.NOT_REVIEWED,
        reason=f"exclusive to a connection of {holders}, so what is carried to it cannot be seen: close it and run the control again",
    )


def _look(queue: str) -> Talk:
    return lambda channel: str(channel.queue_declare(queue, passive=True).method.message_count)


def send(oracle: Line, exchange: str, keys: tuple[str, ...], *, headers: tuple[dict[str, Any], ...] = ()) -> str:
    """Publish a word to an exchange with each key and with all of the headers, as a service would; what no queue takes is dropped."""
    word = f"{WORD}-{secrets.token_hex(8)}"

    def talk(channel: BlockingChannel) -> str:
        channel.confirm_delivery()
        for key in keys:
            channel.basic_publish(exchange, key, word.encode(), properties=pika.BasicProperties(delivery_mode=1))
        for said in headers:
            channel.basic_publish(exchange, keys[0], word.encode(), properties=pika.BasicProperties(delivery_mode=1, headers=said))
        return word

    answer = oracle.act(talk)
    if answer.kind == "amqp 403" and "internal" in answer.shown:  # only other exchanges lead there, and they are sent to as well
        return word
    return word if answer.kind == OK else oracle.need(talk)


def is_served(oracle: Line, queue: str) -> bool:
    """Whether somebody consumes from the queue: what is put into it is gone at once."""
    return int(oracle.need(lambda channel: str(channel.queue_declare(queue, passive=True).method.consumer_count))) > 0


def taken(oracle: Line, queue: str, word: str, *, dead: bool = False) -> tuple[str, ...]:
    """Take every message with that word out of a queue, and leave the others where they are; what was taken."""

    def talk(channel: BlockingChannel) -> str:
        depth = channel.queue_declare(queue, passive=True).method.message_count
        hits = []
        for _ in range(min(depth, _DEEPEST)):
            delivered, _, body = channel.basic_get(queue)
            if delivered is None:
                break
            if word.encode() in body:
                hits.append(body.decode(errors="replace"))
                if dead:
                    channel.basic_nack(delivered.delivery_tag, requeue=False)
                else:
                    channel.basic_ack(delivered.delivery_tag)
        return "\n".join(hits)  # what was not answered for goes back when the channel is closed

    answer = oracle.act(talk)
    if answer.kind == "amqp 404":  # an attack may have removed it meanwhile
        return ()
    return tuple((answer.shown if answer.kind == OK else oracle.need(talk)).splitlines())


def found_in(lines: dict[str, Line], found: Topology, tenants: tuple[Member, ...]) -> list[Landed]:
    """Every queue that holds such a word, after a moment in which it may be carried on; the words are taken out."""
    wait.pause(_CARRIED_SECONDS)
    landed = [
        Landed(queue=part, owners=owners(part, found, tenants), words=frozenset(taken(oracle, part.name, f"{WORD}-")))
        for vhost, oracle in lines.items()
        for part in _filled(oracle, [part for part in found.parts if part.kind == "queue" and part.vhost == vhost])
    ]
    return [one for one in landed if one.words]


def _filled(oracle: Line, queues: list[Part]) -> list[Part]:
    """Those that hold anything at all, asked for on one channel; each may, where one of them is gone."""

    def talk(channel: BlockingChannel) -> str:
        return "\n".join(part.name for part in queues if channel.queue_declare(part.name, passive=True).method.message_count)

    answer = oracle.act(talk)
    filled = set(answer.shown.splitlines())
    return [part for part in queues if part.name in filled] if answer.kind == OK else queues


def judge(subject: str, victim: str, landed: list[Landed]) -> Judgement:
    """A message of the victim's may lie in its own queues and in the platform's; it must have arrived somewhere."""
    astray = sorted(f"{where.queue.vhost}/{where.queue.name}" for where in landed if where.owners - {victim})
    if astray:
        outcome, reason = Outcome.FAIL, f"a message of {victim} was carried to {', '.join(astray)}"
    elif not landed:
        outcome, reason = Outcome.ERROR, f"a message of {victim} arrived nowhere: nothing was there to be carried"
    else:
        outcome, reason = Outcome.PASS, f"found in {len(landed)} queues of its own and of the platform"
    return Judgement(
        subject=subject, outcome=outcome, reason=reason, expected=[], observed=astray, positive_control=f"arrived in {len(landed)} queues"
    )


def judge_dead(subject: str, victim: str, landed: list[Landed], *, arrived: int) -> Judgement:
    """A dead letter may also be dropped; that it had been in the queue is what must be seen."""
    if not arrived:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason="the message never was in the queue: nothing could become of it")
    judged = judge(subject, victim, landed)
    if judged.outcome is not Outcome.ERROR:
        return judged
    return Judgement(subject=subject, outcome=Outcome.PASS, reason="rejected, and gone for good", expected=[], observed=[])
