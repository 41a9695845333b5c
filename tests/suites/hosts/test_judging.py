"""Hosts: ports, owners, modes and contents, as the table declares them or not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.host import Attributes, Listening
from constat.outcome import Outcome
from constat.stack import GuardedPath, Listener
from suites.hosts.test_files import judge_content, judge_path
from suites.hosts.test_ports import judge_ports

DECLARED = Listener(node="cache", name="redis", port=6379, tls=True, protocol="redis")
SEEN = Listening(host="127.0.0.1", port=6379, transport="tcp", process="redis-server")
KEY = GuardedPath(path="/run/cache/key.pem", owner="redis", mode=0o600)
PEM = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ([SEEN], [Outcome.PASS]),
        ([], [Outcome.FAIL]),
        ([Listening(host="0.0.0.0", port=6379, transport="tcp", process="redis-server")], [Outcome.FAIL]),  # noqa: S104 - what must not be
        ([SEEN, Listening(host="127.0.0.1", port=6380, transport="tcp", process="redis-server")], [Outcome.PASS, Outcome.FAIL]),
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
    ("path", "text", "outcome"),
    [
        ("/run/ca/ca.pem", "-----BEGIN CERTIFICATE-----", Outcome.PASS),
        ("/run/notes", "the password is s3cret-value", Outcome.FAIL),
        ("/run/copy", PEM, Outcome.FAIL),
        ("/run/cache/key.pem", "", Outcome.FAIL),
        ("/run/bin/tool", 'if text == "-----BEGIN PRIVATE KEY-----": pass', Outcome.PASS),
    ],
)
def test_what_everybody_can_read_holds_no_secret(path: str, text: str, outcome: Outcome) -> None:
    """A secret, a key, or a place that is declared private; not a program's word for a key."""
    judged = judge_content(path, text, name=path, secrets=frozenset({"s3cret-value"}), guarded=(KEY,))

    assert judged.outcome is outcome
