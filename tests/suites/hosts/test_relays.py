"""Relays, judged from sockets."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from constat.observe.relays import Callers, Wire, family, parsed, reachable
from constat.outcome import Outcome
from suites.hosts.test_relays import judge_relays

DATABASE = ("127.0.0.1", 5432)
# Numbers that no process has.
RELAY, OTHER, OWN = 2**30, 2**30 + 1, 2**30 + 2
CALLER = "import os, socket, sys; line = socket.create_connection(('127.0.0.1', int(os.environ['PORT']))); sys.stdin.read()"
LISTENER = Wire(RELAY, ("127.0.0.1", 15432), ("0.0.0.0", 0))  # noqa: S104 - as ss prints it


def inward(process: int) -> Wire:
    """A connection into the platform."""
    return Wire(process, ("127.0.0.1", 40000 + process % 9), DATABASE)


@pytest.mark.parametrize(
    ("before", "after", "outcomes"),
    [
        ([], [], [Outcome.PASS]),
        ([], [inward(RELAY)], [Outcome.FAIL]),
        ([inward(RELAY)], [], [Outcome.FAIL]),
        ([], [inward(OTHER)], [Outcome.PASS, Outcome.FAIL]),
        ([inward(OTHER)], [inward(OTHER)], [Outcome.PASS]),
        ([], [inward(OWN)], [Outcome.PASS]),
    ],
)
def test_who_listens_and_leads_inside_is_a_failure(before: list[Wire], after: list[Wire], outcomes: list[Outcome]) -> None:
    """By itself, by another process of its own, or all the time; somebody who was connected before is nobody's relay."""
    judged = list(judge_relays([LISTENER], {RELAY: frozenset({RELAY})}, (before, after), {DATABASE}, {OWN}))

    assert [judgement.outcome for judgement in judged if judgement.subject != "coverage"] == outcomes


def test_a_line_is_read_with_and_without_a_state() -> None:
    """Both kinds of list name the same fields; a socket that several processes have is each one's."""
    listening = parsed('LISTEN 0 128 127.0.0.1:15432 0.0.0.0:* users:(("nc",pid=7,fd=3),("nc",pid=9,fd=3))')
    connected = parsed('0 0 [::ffff:127.0.0.1]:40001 [::ffff:127.0.0.1]:5432 users:(("nc",pid=7,fd=4))')

    assert {wire.process for wire in listening} == {7, 9}
    assert listening[0].here == ("127.0.0.1", 15432)
    assert connected == (Wire(7, ("127.0.0.1", 40001), DATABASE),)


def test_a_family_is_whoever_was_started_by_it() -> None:
    """However far down; who is not known to have started anybody is alone."""
    assert family(7, {8: 7, 9: 8, 10: 1}) == {7, 8, 9}
    assert family(7, {}) == {7}


def test_what_is_bound_to_everything_is_reached_nearby() -> None:
    """By either protocol."""
    assert reachable(("0.0.0.0", 1)) == ("127.0.0.1", 1)  # noqa: S104 - as ss prints it
    assert reachable(("::", 1)) == ("::1", 1)


def test_the_other_end_of_a_connection_is_known() -> None:
    """By the node that its process says in its environment; this test's own process says none."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as line:
        theirs, ours = line.getsockname()[1], server.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, "-Sc", CALLER], env={"CONSTAT_NODE": "/run/s/cache", "PORT": str(ours)}, stdin=subprocess.PIPE
        ) as process:
            server.accept()[0].close()
            there, (_, port) = server.accept()
            known = Callers("/run/s")
            seen = known.of(theirs, ours), known.of(port, ours)
            there.close()
            process.communicate()

    assert seen == ("", "cache")
