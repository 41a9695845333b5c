"""Rules of the gateway: which requests take each, and what an answer to one means."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routers import Rule, Taken, asked, judge, parsed
from tests.suites.tenancy.gateway.people import pair, reply, way

MINE, THEIRS, _ = pair()
REQUEST = Request(method="GET", path="/kx7/api/properties")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Path(`/a`) || PathPrefix(`/a/`)", {"prefixes": ("/a", "/a/")}),
        ("PathRegexp(`^/v[0-9]+/x`)", {"prefixes": ("/v",)}),
        ("Host(`partner.example`) && Method(`GET`)", {"headers": (("Host", "partner.example"),)}),
        ("Header(`X-Partner`, `north`) && PathPrefix(`/`)", {"prefixes": ("/",), "headers": (("X-Partner", "north"),)}),
        ("Query(`key`, `a1`)", {"query": (("key", "a1"),)}),
        ("ClientIP(`10.0.0.0/8`)", {}),
        ("HostSNI(`*`)", {"prefixes": ("/",)}),
        ("HostSNI(`db.example`)", {}),
    ],
)
def test_a_rule_says_what_takes_it(text: str, rule: dict[str, tuple[object, ...]]) -> None:
    """Paths as far as they are literal, headers and queries; where nothing is left the rule is out of reach, which is said."""
    found = parsed(text)

    assert found == Rule(text=text, **rule)  # type: ignore[arg-type]
    assert found.is_known is bool(rule)


def test_operations_are_tried_behind_every_prefix() -> None:
    """As they are, without the first part that all have, and in place of the prefix's own end."""
    lines = {request.line for request, guarded in asked(parsed("PathPrefix(`/kx7`)"), (way("GET", "/api/properties"),), MINE) if guarded}

    assert lines == {"/kx7/api/properties", "/kx7/properties"}


@pytest.mark.parametrize(
    ("status", "body", "anonymous", "outcome"),
    [
        (404, "", True, Outcome.PASS),
        (200, THEIRS.canary, False, Outcome.FAIL),
        (200, MINE.canary, False, Outcome.PASS),
        (200, MINE.canary, True, Outcome.FAIL),
        (200, "[]", True, Outcome.FAIL),
        (401, "", True, Outcome.PASS),
    ],
)
def test_a_rule_lets_nobody_in(status: int, body: str, anonymous: bool, outcome: Outcome) -> None:  # noqa: FBT001 - a parameter
    """Nobody sees another's, and without a token nobody sees anybody's or gets into an operation that asks for one."""
    taken = [Taken(request=REQUEST, reply=reply(status, body), guarded=True, anonymous=anonymous)]

    assert judge("door", taken, MINE.marks, THEIRS.marks).outcome is outcome


def test_no_request_is_no_pass() -> None:
    """Where no rule could be taken nothing was looked at."""
    assert judge("door", [], MINE.marks, THEIRS.marks).outcome is Outcome.NOT_REVIEWED
