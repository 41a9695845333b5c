"""Hosts: ports, owners, modes and contents, as the table declares them or not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.host import Attributes, Listening
from constat.observe.tree import FOREIGN, Account, Lift, Reach, by_account
from constat.outcome import Outcome
from constat.stack import GuardedPath, Listener, Stack
from suites.hosts.test_files import beyond, judge_changes, judge_content, judge_path, judge_told
from suites.hosts.test_ports import judge_ports

DECLARED = Listener(node="cache", name="redis", port=6379, tls=True, protocol="redis")
SEEN = Listening(host="127.0.0.1", port=6379, transport="tcp", process="redis-server")
OWNED = {"mine": 106, "theirs": 0, "public": 0}
KEY = GuardedPath(path="/run/cache/key.pem", owner="redis", mode=0o600)


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ([SEEN], [Outcome.PASS]),
        ([], [Outcome.FAIL]),
        ([Listening(host="0.0.0.0", port=6379, transport="tcp", process="redis-server")], [Outcome.FAIL, Outcome.FAIL]),  # noqa: S104 - what must not be
        ([SEEN, Listening(host="127.0.0.1", port=6380, transport="tcp", process="redis-server")], [Outcome.PASS, Outcome.FAIL]),
        ([SEEN, Listening(host="10.0.0.5", port=6379, transport="tcp", process="redis-server")], [Outcome.PASS, Outcome.FAIL]),
        ([SEEN, Listening(host="127.0.0.1", port=6379, transport="udp", process="redis-server")], [Outcome.PASS, Outcome.FAIL]),
    ],
)
def test_ports_are_those_of_the_table(observed: list[Listening], expected: list[Outcome]) -> None:
    """A port that is missing, on another address, or not in the table is a failure each."""
    assert [judgement.outcome for judgement in judge_ports([DECLARED], observed)] == expected


@given(st.integers(min_value=0, max_value=0o7777), st.integers(min_value=0, max_value=0o7777))
def test_no_permission_goes_beyond_the_declared_mode(declared: int, seen: int) -> None:
    """Less is allowed, and not one bit more."""
    judged = judge_path("key.pem", GuardedPath(path="/k", owner="redis", mode=declared), Attributes(owner="redis", mode=seen))

    assert (judged.outcome is Outcome.PASS) == (seen | declared == declared)


def test_another_owner_is_a_failure() -> None:
    """Also when nobody else can read it."""
    assert judge_path("key.pem", KEY, Attributes(owner="root", mode=0o600)).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("path", "holds", "outcome"),
    [("/run/ca/ca.pem", False, Outcome.PASS), ("/run/notes", True, Outcome.FAIL), ("/run/cache/key.pem", False, Outcome.FAIL)],
)
def test_what_everybody_can_read_holds_no_secret(path: str, *, holds: bool, outcome: Outcome) -> None:
    """A secret, or a place that is declared private."""
    assert judge_content(path, name=path, holds=holds, guarded=(KEY,)).outcome is outcome


def changes(*reached: Reach, lifts: tuple[Lift, ...] = ()) -> list[Outcome]:
    """How the paths are judged, without the twin."""
    stack = Stack(name="s", target="t", provider="embedded", disposable=True, run_dir="/tmp/run")  # noqa: S108 - names a directory only
    return [judgement.outcome for judgement in judge_changes(reached, lifts, stack) if judgement.subject != "coverage"]


@pytest.mark.parametrize("kind", ["f", "d", "s", "p"])
def test_whatever_everybody_can_change_is_a_failure(kind: str) -> None:
    """A file, a directory, a socket or a pipe."""
    assert changes(Reach(path="/tmp/run/x", kind=kind, mode=0o777, readable=True, writable=True)) == [Outcome.FAIL]  # noqa: S108


def test_what_can_only_be_read_is_no_change() -> None:
    """Reading has a control of its own."""
    assert changes(Reach(path="/tmp/run/x", kind="f", mode=0o644, readable=True, writable=False)) == []  # noqa: S108


def test_a_shared_directory_above_is_as_it_should_be() -> None:
    """In /tmp everybody may add and nobody may rename; without the sticky bit anybody may exchange the platform."""
    sticky = Reach(path="/tmp", kind="d", mode=0o1777, readable=True, writable=True)  # noqa: S108

    assert changes(sticky) == []
    assert changes(replace(sticky, mode=0o777)) == [Outcome.FAIL]


def test_another_services_account_is_foreign_too() -> None:
    """What it owns is its own; what everybody can do is said once; the rest is a finding."""
    redis = Account(106, (106,))
    mine, theirs, public = (Reach(path=f"/run/{n}", kind="f", mode=0o640, readable=True, writable=False, owner=o) for n, o in OWNED.items())
    reached = {FOREIGN: (public,), redis: (mine, theirs, public)}

    assert beyond(reached, lambda seen: seen.readable) == [(redis, theirs)]
    assert beyond(reached, lambda seen: seen.writable) == []


def test_what_each_account_printed_is_told_apart() -> None:
    """Reading and writing of one path are one reach."""
    said = by_account("account 7\0r f 640 0 /a b\0w f 640 0 /a b\0account 8\0r f 640 0 /a b\0account 9\0")

    assert [reach.writable for reach in said[7]] == [True]
    assert [(reach.path, reach.mode, reach.writable) for reach in said[8]] == [("/a b", 0o640, False)]
    assert said[9] == ()


def test_a_program_that_lends_rights_is_a_failure() -> None:
    """Whoever may run it."""
    assert changes(lifts=(Lift(path="/tmp/run/bin/sh", by="mode 4755"),)) == [Outcome.FAIL]  # noqa: S108


def test_without_anything_seen_nothing_is_proven() -> None:
    """An account that got at nothing, and a host without processes, are not green."""
    stack = Stack(name="s", target="t", provider="embedded", disposable=True, run_dir="/run/s")

    assert [judgement.outcome for judgement in judge_changes((), (), stack)] == [Outcome.NOT_REVIEWED]
    assert [judgement.outcome for judgement in judge_told((), {})] == [Outcome.NOT_REVIEWED]


def test_a_process_that_shows_a_secret_is_named() -> None:
    """By its name, because its number is another in every run."""
    judged = [(judgement.subject, judgement.outcome) for judgement in judge_told(("/proc/7/cmdline",), {7: "psql"})]

    assert judged[0] == ("psql", Outcome.FAIL)
