"""Whose a queue is, where a message may lie, and what a user may reach."""

from __future__ import annotations

import pytest

from constat.attempt import Answer
from constat.observe.topology import Part, Right, Topology, User
from constat.outcome import Outcome
from suites.tenancy.broker.acts import guesses
from suites.tenancy.broker.carrying import Landed, Member, is_locked, judge, judge_dead, judge_locked, owners
from suites.tenancy.broker.test_broker import confined

MEMBERS = (Member(name="t1", user="t1", vhost="one"), Member(name="t10", user="t10", vhost="ten"))
OWN = r"^t1\."


def queue(vhost: str, name: str) -> Part:
    """A queue."""
    return Part(kind="queue", vhost=vhost, name=name)


def right(user: str, vhost: str, pattern: str) -> Right:
    """The right to read names of that pattern."""
    return Right(user=user, vhost=vhost, configure="^$", write="^$", read=pattern)


def topology(*parts: Part, rights: tuple[Right, ...] = ()) -> Topology:
    """A broker with these."""
    return Topology(vhosts=("one", "ten"), parts=parts, rights=rights, users=(), protocols=frozenset())


@pytest.mark.parametrize(
    ("part", "rights", "whose"),
    [
        (queue("ten", "indexer"), (), {"t10"}),
        (queue("ten", "t1.audit"), (), {"t1", "t10"}),
        (queue("ten", "indexer"), (right("t1", "ten", ".*"),), {"t1", "t10"}),
        (queue("ten", "t10.events"), (right("t1", "ten", OWN),), {"t10"}),
        (queue("shared", "indexer"), (), set()),
    ],
)
def test_a_queue_is_whose_name_right_or_host_it_is(part: Part, rights: tuple[Right, ...], whose: set[str]) -> None:
    """Any of the three makes it a tenant's."""
    assert owners(part, topology(part, rights=rights), MEMBERS) == whose


@pytest.mark.parametrize(
    ("whose", "outcome"),
    [([{"t10"}], Outcome.PASS), ([set()], Outcome.PASS), ([{"t10"}, {"t1", "t10"}], Outcome.FAIL), ([], Outcome.ERROR)],
)
def test_a_message_lies_in_no_queue_of_another(whose: list[set[str]], outcome: Outcome) -> None:
    """One that arrived nowhere proves nothing."""
    landed = [Landed(queue=queue("ten", f"q{number}"), owners=frozenset(names)) for number, names in enumerate(whose)]

    assert judge("events", "t10", landed).outcome is outcome


def test_a_dead_letter_may_be_dropped_but_must_have_been_there() -> None:
    """Nothing that was never in the queue could have been carried."""
    assert judge_dead("dead", "t10", [], arrived=1).outcome is Outcome.PASS
    assert judge_dead("dead", "t10", [], arrived=0).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("user", "rights", "outcome"),
    [
        (User(name="t1", tags=frozenset()), (right("t1", "one", OWN),), Outcome.PASS),
        (User(name="t1", tags=frozenset({"monitoring"})), (), Outcome.FAIL),
        (User(name="t1", tags=frozenset()), (right("t1", "ten", ".*"),), Outcome.FAIL),
        (User(name="integration", tags=frozenset()), (right("integration", "ten", ".*"),), Outcome.FAIL),
        (User(name="service", tags=frozenset()), (right("service", "ten", ".*"),), Outcome.PASS),
        (User(name="idle", tags=frozenset()), (), Outcome.PASS),
    ],
)
def test_a_user_is_confined_or_an_operator(user: User, rights: tuple[Right, ...], outcome: Outcome) -> None:
    """Rights on another's names, or tags, are too much for anybody who is not declared."""
    found = topology(queue("ten", "t10.events"), queue("one", "t1.events"))

    assert confined(user, rights, found, MEMBERS, ("service",)).outcome is outcome


def test_a_guess_is_made_of_ones_own_name() -> None:
    """Beside the same of a tenant that there is not."""
    assert ("t10.events", "t109zz.events") in set(guesses("t1.events", "t1", "t10"))


@pytest.mark.parametrize(
    ("answer", "locked"),
    [
        (Answer(kind="amqp 405", shown="RESOURCE_LOCKED - cannot obtain exclusive access"), True),
        (Answer(kind="amqp 403", shown="ACCESS_REFUSED"), False),
        (Answer(kind="ok", shown="0 messages"), False),
    ],
)
def test_only_anothers_exclusive_queue_is_locked(answer: Answer, locked: bool) -> None:  # noqa: FBT001 - a parameter
    """Any other refusal is no reason to leave a queue out."""
    assert is_locked(answer) is locked


def test_a_locked_queue_is_left_out_by_name() -> None:
    """What nobody could look into is never green, and says whose it is."""
    judged = judge_locked(queue("ten", "t10.replies"), frozenset({"t10"}))

    assert judged.outcome is Outcome.NOT_REVIEWED
    assert judged.subject == "queue ten/t10.replies"
    assert "t10" in judged.reason
