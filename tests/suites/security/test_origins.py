"""Origins, judged from the headers of answers."""

from __future__ import annotations

import pytest

from constat.observe.http import Reply
from constat.outcome import Outcome
from suites.security.test_origins import judge_origins, lets, origins

EVIL = "https://attacker.invalid"


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [("", False), (EVIL, True), ("*", False), ("https://ours.example", False), (f"https://ours.example, {EVIL}", True)],
)
def test_an_answer_is_everybodys_when_it_says_so(allowed: str, *, expected: bool) -> None:
    """By name or among others; the star is for what is everybody's, and never for who somebody is."""
    assert lets({"access-control-allow-origin": allowed}, EVIL) is expected
    assert lets({}, EVIL) is False
    assert lets({"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}, EVIL)


def test_a_door_is_as_good_as_its_worst_answer() -> None:
    """And one of which nothing was asked is not proven."""
    answers = [("GET /a", EVIL, Reply(status=200, headers=headers, body=b"")) for headers in ({}, {"access-control-allow-origin": EVIL})]

    assert judge_origins("gateway", iter(answers), tried=2).outcome is Outcome.FAIL
    assert judge_origins("gateway", iter(answers[:1]), tried=1).outcome is Outcome.PASS
    assert judge_origins("gateway", iter(()), tried=0).outcome is Outcome.NOT_REVIEWED


def test_no_origin_is_the_doors_own() -> None:
    """Each is one that only a careless comparison would take."""
    assert "https://127.0.0.1:8443" not in origins("https://127.0.0.1:8443")
