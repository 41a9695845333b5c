"""Routes that nobody describes: found in code, judged by what is answered."""

from __future__ import annotations

from constat.observe.sources import literals
from constat.outcome import Outcome
from suites.security.test_routes import candidates, judge_routes


def test_paths_are_found_among_literals() -> None:
    """As they are, and put together; what is no path is left alone."""
    source = 'A = "/internal/dump"\nB = f"{BASE}/export/{kind}"\nC = "a/b"\nD = "/ not a path"\nE = BASE + "/tail"\n'

    assert set(literals(source)) == {"/internal/dump", "/export/{}", "/tail"}


def test_what_is_described_is_not_tried() -> None:
    """The rest is, also behind what is described."""
    tried = candidates({"/api/properties", "/dump", "/health"}, {"/api/properties", "/api/properties/{id}", "/health"})

    assert "/dump" in tried
    assert "/health" not in tried
    assert "/api/properties/dump" not in tried  # it is /api/properties/{id}
    assert "/health/dump" in tried


def test_what_is_answered_is_named() -> None:
    """And a service without any path to try is not green."""
    assert judge_routes("search", ["/dump"], ["/dump"]).outcome is Outcome.FAIL
    assert judge_routes("search", ["/dump"], []).outcome is Outcome.PASS
    assert judge_routes("search", [], []).outcome is Outcome.NOT_REVIEWED
