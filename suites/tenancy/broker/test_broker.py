"""Message broker: no tenant enters, sees, takes, sends or is given what is another tenant's."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http
from constat.observe.topology import Right, Topology, User, definitions, topology
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.broker import acts, carrying, ground, management
from suites.tenancy.broker.carrying import Member
from suites.tenancy.broker.ground import Planted
from suites.tenancy.broker.line import Line, entering
from suites.tenancy.broker.routing import Routes, routes
from suites.tenancy.campaign import OK, Place, besiege

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Broker, Login, Stack

NEEDS: Final = ("broker", "tenants")
PROMISES: Final = ("isolation.storage",)
REFS: Final = ("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639", "CWE-668")
# What the suite speaks, or what no tenant is let in by.  Another protocol is another way to the same queues.
KNOWN_PROTOCOLS: Final = frozenset({"amqp", "amqp/ssl", "clustering", "http", "https", "http/prometheus", "https/prometheus"})


@dataclass(frozen=True, kw_only=True)
class Field:
    """What there is, what was planted, and everybody's lines."""

    broker: Broker
    found: Topology
    exported: dict[str, list[dict[str, Any]]]
    oracles: dict[str, Line]
    lines: dict[str, Line]
    logins: dict[str, Login]
    planted: dict[str, Planted]
    members: tuple[Member, ...]
    pair: tuple[str, str]
    disposable: bool

    def directions(self) -> Iterator[tuple[str, Planted, Planted]]:
        """Each of the pair against the other."""
        for who, victim in (self.pair, self.pair[::-1]):
            yield who, self.planted[who], self.planted[victim]

    def place(self, subject: str, victim: Planted) -> Place:
        """The victim's side."""
        oracle = self.oracles[victim.vhost]

        def mend() -> None:
            ground.restore(self.broker, self.exported)
            carrying.taken(oracle, victim.queue, "constat-attack")
            if not ground.peeked(oracle, victim.queue):
                ground.refill(self.lines[victim.tenant], victim)

        return Place(
            subject=subject,
            canaries=(victim.content, victim.name),
            state=lambda: ground.state(self.broker, oracle, victim),
            mend=mend,
        )


@pytest.fixture(scope="module")
def field(stack: Stack, attack_pair: tuple[str, str]) -> Iterator[Field]:
    """Plant queues and messages as the tenants; all of it is removed afterwards."""
    assert stack.broker is not None  # the controls need it
    broker = stack.broker
    ground.sweep(broker)
    logins = {name: stack.tenants[name].broker for name in attack_pair}
    lines = {name: Line(broker, login, broker.vhost_of(name)) for name, login in logins.items()}
    with contextlib.ExitStack() as opened:
        opened.callback(ground.restore, broker, definitions(broker))
        opened.callback(ground.sweep, broker)
        for speaker in lines.values():
            opened.callback(speaker.close)
        planted = {name: ground.plant(speaker, name) for name, speaker in lines.items()}
        found = topology(broker)
        yield Field(
            broker=broker,
            found=found,
            exported=definitions(broker),
            oracles=opened.enter_context(ground.administration(broker, found.vhosts)),
            lines=lines,
            logins=logins,
            planted=planted,
            members=tuple(Member(name=n, user=t.broker.user, vhost=broker.vhost_of(n)) for n, t in stack.tenants.items()),
            pair=attack_pair,
            disposable=stack.disposable,
        )


@control(
    "TEN-BRO-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Give each tenant a virtual host of its own, and its user rights there only, on names that begin with its own.",
)
def test_a_tenant_touches_nothing_of_another_at_the_broker(field: Field, findings: Findings) -> None:
    """By no method of the protocol is a queue, exchange, message or virtual host of another tenant entered, used or known to exist."""
    findings.judge(_attacked(field))


@control(
    "TEN-BRO-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Take every tag away from tenants' users.",
)
def test_the_management_api_shows_and_gives_a_tenant_nothing(field: Field, findings: Findings) -> None:
    """With a tenant's login no path of the management API shows, changes or carries anything of another tenant's."""
    findings.judge(_managed(field))


@control(
    "TEN-BRO-03",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Remove the binding, alternate exchange, dead-letter rule or shovel that leads from one tenant to another.",
)
def test_no_message_is_carried_to_another_tenant(field: Field, findings: Findings) -> None:
    """A message of one tenant's, on every exchange and as a dead letter, arrives in no queue that another tenant can read."""
    findings.judge(_carried(field))


@control(
    "TEN-BRO-04",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Remove the user or its rights, or declare it as an operator of the platform.",
)
def test_every_user_of_the_broker_is_confined(field: Field, findings: Findings) -> None:
    """Every user that the server knows has rights on its own tenant's names at most, unless the platform declares it as an operator's."""
    findings.judge(_confined(field))


def _attacked(field: Field) -> Iterator[Judgement]:
    for who, own, victim in field.directions():
        doors = acts.entries(field.broker, field.logins[who], own, victim, field.found)
        yield besiege(field.place(f"{who} at the doors of virtual hosts", victim), doors)
        for vhost in _entered(field, who):
            yield from _within(field, who, own, victim, vhost)
    unknown = tuple(sorted(field.found.protocols - KNOWN_PROTOCOLS))
    yield coverage(len(field.found.protocols) - len(unknown), len(field.found.protocols), what="protocols of the server", left_out=unknown)


def _within(field: Field, who: str, own: Planted, victim: Planted, vhost: str) -> Iterator[Judgement]:
    """Everything that is not the attacker's, in a virtual host that lets it in."""
    attacker = field.lines[who] if vhost == own.vhost else Line(field.broker, field.logins[who], vhost)
    here = own if vhost == own.vhost else _settled(attacker, who)
    with contextlib.closing(attacker) if attacker is not field.lines[who] else contextlib.nullcontext():
        scene = acts.Scene(
            attacker=attacker,
            own=here,
            victim=victim,
            queues=ground.foreign(field.found, vhost, "queue", who),
            exchanges=ground.foreign(field.found, vhost, "exchange", who),
            disposable=field.disposable,
        )
        yield besiege(field.place(f"{who} in virtual host {vhost}", victim), acts.in_vhost(scene))


def _settled(attacker: Line, who: str) -> Planted:
    """The attacker below its own name in a virtual host that should not let it in; without rights even there it has what it has."""
    planted = Planted(tenant=who, vhost=attacker.vhost, content="", name="x")
    attacker.act(lambda channel: str(channel.exchange_declare(planted.exchange, "topic", durable=True)))
    attacker.act(lambda channel: str(channel.queue_declare(planted.queue, durable=True)))
    return planted


def _entered(field: Field, who: str) -> tuple[str, ...]:
    return tuple(vhost for vhost in field.found.vhosts if entering(field.broker, field.logins[who], vhost).kind == OK)


def _managed(field: Field) -> Iterator[Judgement]:
    for who, _, victim in field.directions():
        login = field.logins[who]
        with http.client(field.broker.ca, field.broker.management_url, login=(login.user, login.password)) as client:
            looks = management.looks(field.broker, client, victim)
            yield besiege(field.place(f"{who} looks at {victim.tenant}", victim), looks)
            if field.disposable:
                changes = management.changes(field.broker, client, login, victim)
                yield besiege(field.place(f"{who} changes {victim.tenant}", victim), changes)
            else:
                reason = "rights and definitions are asked for only on a disposable target: what is granted would stay"
                yield Judgement(subject=f"{who} changes {victim.tenant}", outcome=Outcome.NOT_REVIEWED, reason=reason)


def _carried(field: Field) -> Iterator[Judgement]:
    locked = carrying.locked(field.oracles, field.found)
    yield from (carrying.judge_locked(part, carrying.owners(part, field.found, field.members)) for part in locked)
    found = replace(field.found, parts=tuple(part for part in field.found.parts if part not in locked))
    for _, _, victim in field.directions():
        oracle = field.oracles[victim.vhost]
        known = _routes(field, victim)
        exchanges = [exchange for exchange in found.within(victim.vhost, "exchange") if exchange]
        sent = {carrying.send(oracle, exchange, known.keys, headers=known.headers) for exchange in exchanges}
        # What a run that was killed has left lies there too, and is taken out with the rest.
        landed = [one for one in carrying.found_in(field.oracles, found, field.members) if one.words & sent]
        yield carrying.judge(f"events of {victim.tenant}", victim.tenant, landed)
        yield from _dead(field, found, victim)


def _routes(field: Field, victim: Planted) -> Routes:
    others = tuple(member.name for member in field.members if member.name != victim.tenant)
    return routes(definitions(field.broker)["bindings"], victim.vhost, victim.tenant, others, alone=_is_alone(field, victim))


def _is_alone(field: Field, victim: Planted) -> bool:
    """Whether the virtual host is the victim's and no other tenant's."""
    return [member.name for member in field.members if member.vhost == victim.vhost] == [victim.tenant]


def _dead(field: Field, found: Topology, victim: Planted) -> Iterator[Judgement]:
    """Dead letters of each of the victim's queues, and of the platform's in a virtual host that is the victim's alone."""
    oracle, alone = field.oracles[victim.vhost], _is_alone(field, victim)
    own = [queue for queue in found.within(victim.vhost, "queue") if queue.startswith(f"{victim.tenant}.") or alone]
    served = {queue for queue in own if carrying.is_served(oracle, queue)}
    for queue in sorted(queue for queue in served if queue.startswith(f"{victim.tenant}.")):
        reason = "somebody consumes from it, so that nothing of ours can be rejected there"
        yield Judgement(subject=f"dead letters of {queue}", outcome=Outcome.NOT_REVIEWED, reason=reason)
    words = {queue: carrying.send(oracle, "", (queue,)) for queue in own if queue not in served}
    arrived = {queue: carrying.taken(oracle, queue, word, dead=True) for queue, word in words.items()}
    landed = carrying.found_in(field.oracles, found, field.members)
    for queue, word in words.items():
        where = [one for one in landed if word in one.words]
        yield carrying.judge_dead(f"dead letters of {queue}", victim.tenant, where, arrived=len(arrived[queue]))


def _confined(field: Field) -> Iterator[Judgement]:
    for user in field.found.users:
        rights = tuple(right for right in field.found.rights if right.user == user.name)
        yield confined(user, rights, field.found, field.members, field.broker.operators)
    yield coverage(len(field.found.users), len(field.found.users), what="users")


def confined(user: User, rights: tuple[Right, ...], found: Topology, members: tuple[Member, ...], operators: tuple[str, ...]) -> Judgement:
    """A tenant's user reaches what is its own; an operator is declared; anybody else reaches nothing of a tenant's."""
    own = {member.name for member in members if member.user == user.name}
    reached = {
        owner for part in found.parts if any(right.reaches(part) for right in rights) for owner in _whose(part.vhost, part.name, members)
    }
    excess = sorted(reached - own) + sorted(f"tag {tag}" for tag in user.tags)
    if user.name in operators:
        excess = []
    return Judgement(
        subject=f"user {user.name}",
        outcome=Outcome.FAIL if excess else Outcome.PASS,
        reason=f"has {', '.join(excess)}, and nobody declares it as an operator" if excess else "confined",
        expected=[],
        observed=excess,
    )


def _whose(vhost: str, name: str, members: tuple[Member, ...]) -> set[str]:
    """Whose a name is: the tenant's with that prefix, or of the virtual host that is its alone."""
    alone = {member.name for member in members if member.vhost == vhost}
    return {member.name for member in members if name.startswith(f"{member.name}.")} | (alone if len(alone) == 1 else set())
