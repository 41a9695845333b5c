"""What a user of the broker could do to what is not its own: every method of the protocol, on every queue and exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from suites.tenancy.broker import ground
from suites.tenancy.broker.ground import WORD, Planted
from suites.tenancy.broker.line import entering
from suites.tenancy.broker.methods import (
    DESTRUCTIVE,
    EXCHANGE_VERBS,
    QUEUE_VERBS,
    TWINS,
    USES_UP,
    declare_exchange,
    declare_queue,
    look_exchange,
    look_queue,
    publish,
)
from suites.tenancy.campaign import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pika.adapters.blocking_connection import BlockingChannel

    from constat.observe.topology import Topology
    from constat.stack import Broker, Login
    from suites.tenancy.broker.line import Line, Talk
    from suites.tenancy.broker.methods import Verb

# 403 access refused, 530 not allowed in that virtual host.
DENIED: Final = frozenset({"amqp 403", "amqp 530"})
# The server says what there is not; the same for what exists nowhere is asked beside it.
_ABSENT: Final = DENIED | {"amqp 404"}
# Let in, and stopped by the state of the thing: in use, not empty, declared otherwise, locked by another.
_LET_IN: Final = frozenset({"amqp 405", "amqp 406"})
_IN_ANOTHERS_NAME: Final = "publish as the victim's user"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The attacker in one virtual host, what it has there, and what is there of others."""

    attacker: Line
    own: Planted
    victim: Planted
    queues: tuple[str, ...]
    exchanges: tuple[str, ...]
    # What would be gone, should the attack succeed, may be attacked.
    disposable: bool
    # How the permitted twin of each verb fared; the same on one's own for whatever it is the twin of.
    twins: dict[str, Answer] = field(default_factory=dict)


def entries(broker: Broker, login: Login, own: Planted, victim: Planted, found: Topology) -> Iterator[Act]:
    """The doors: every virtual host but the attacker's own, and the ones whose names it can guess."""

    def twin() -> Answer:
        return entering(broker, login, own.vhost)

    for vhost in found.vhosts:
        if vhost != own.vhost:
            yield Act(name=f"enter {vhost}", twin=twin, forbidden=lambda v=vhost: entering(broker, login, v), refusals=DENIED)  # type: ignore[misc]
    for guess, nowhere in guesses(own.vhost, own.tenant, victim.tenant):
        if guess != own.vhost:
            yield Act(
                name=f"guess {guess}",
                twin=twin,
                forbidden=lambda v=guess: entering(broker, login, v),  # type: ignore[misc]
                absent=lambda v=nowhere: entering(broker, login, v),  # type: ignore[misc]
                refusals=DENIED,
            )


def guesses(name: str, own: str, victim: str) -> Iterator[tuple[str, str]]:
    """What somebody would guess of the victim's from a name of one's own, each beside the same of a tenant that there is not."""
    nobody = f"{victim}9zz"
    if own in name:
        yield name.replace(own, victim, 1), name.replace(own, nobody, 1)
    yield victim, nobody


def in_vhost(scene: Scene) -> Iterator[Act]:
    """Everything that can be tried in a virtual host that the attacker may enter."""
    for queue in scene.queues:
        yield from _against(scene, queue, QUEUE_VERBS, own=scene.own.queue)
    for exchange in scene.exchanges:
        yield from _against(scene, exchange, EXCHANGE_VERBS, own=scene.own.exchange)
    for name in (f"{scene.own.tenant}.events", scene.own.queue):
        for guess, nowhere in guesses(name, scene.own.tenant, scene.victim.tenant):
            for kind, look, own in (("queue", look_queue, scene.own.queue), ("exchange", look_exchange, scene.own.exchange)):
                twin, absent = look(own, scene.own), look(nowhere, scene.own)
                yield _act(scene, f"guess {kind} {guess}", look(guess, scene.own), twin, kind=f"guess {kind}", absent=absent)
    for name, talk in _impersonations(scene):
        yield _act(scene, name, talk, publish(scene.own.exchange, f"{scene.own.tenant}.x"), kind="publish")


def _against(scene: Scene, name: str, verbs: dict[str, Verb], *, own: str) -> Iterator[Act]:
    for what, verb in verbs.items():
        if what == "look" and not name.startswith(f"{scene.victim.tenant}."):
            continue  # the names of the platform's own queues are no secret
        if what in DESTRUCTIVE and not scene.disposable and WORD not in name:
            continue  # only what the suite has planted is risked there
        twin = TWINS.get(verb, verb)
        yield _act(scene, f"{what}: {name}", verb(name, scene.own), twin(own, scene.own), kind=f"{what} {own}", restores=what in USES_UP)


def _act(scene: Scene, name: str, talk: Talk, twin: Talk, *, kind: str, absent: Talk | None = None, restores: bool = False) -> Act:
    """One act on a name, with the twin of its kind."""

    def permitted() -> Answer:
        if kind not in scene.twins:
            scene.twins[kind] = scene.attacker.act(twin)
            if restores:
                ground.refill(scene.attacker, scene.own)
        return scene.twins[kind]

    return Act(
        name=name,
        twin=permitted,
        forbidden=lambda: _told(scene.attacker.act(talk), name),
        absent=None if absent is None else lambda: _told(scene.attacker.act(absent), name),
        refusals=_ABSENT if absent else DENIED | ({"not oneself"} if name == _IN_ANOTHERS_NAME else set()),
        writes=name.partition(":")[0] not in {"look", "get", "consume"} and absent is None,
        reproduction=f"as {scene.attacker.who} in {scene.attacker.vhost}: {name}",
    )


def _told(answer: Answer, name: str) -> Answer:
    """Being stopped by what there is means having been let in, but for the one who is told that it is not whom it says."""
    if name == _IN_ANOTHERS_NAME and answer.kind == "amqp 406":
        return Answer(kind="not oneself", shown=answer.shown)
    if answer.kind in _LET_IN:
        return Answer(kind=answer.kind, shown=answer.shown, reached=True)
    if answer.kind == "amqp 404":
        return Answer(kind=answer.kind, shown="no such thing")
    return answer


def _impersonations(scene: Scene) -> Iterator[tuple[str, Talk]]:
    """In another's name: as its user, or with a queue of its name."""
    own, victim = scene.own, scene.victim.tenant

    def as_user(channel: BlockingChannel) -> str:
        channel.confirm_delivery()
        channel.basic_publish(own.exchange, f"{own.tenant}.x", b"constat-attack", properties=ground.signed(victim))
        return "confirmed"

    yield _IN_ANOTHERS_NAME, as_user
    for name in (f"{victim}.{WORD}.new", f"{WORD}.new", f"{own.tenant}{WORD}", own.tenant):
        yield f"declare queue {name}", declare_queue(name, own)
        yield f"declare exchange {name}", declare_exchange(name, own)
