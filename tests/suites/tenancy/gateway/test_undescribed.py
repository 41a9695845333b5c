"""Operations that nobody describes: which paths are tried, and what an answer means."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.tenancy.gateway import undescribed
from suites.tenancy.gateway.request import Request
from tests.suites.tenancy.gateway.people import pair, reply, way

MINE, THEIRS, _ = pair()
WAYS = (way("GET", "/api/properties"), way("GET", "/api/properties/{id}"))
HIDDEN = Request(method="GET", path="/api/properties/export")
FOREIGN = THEIRS.marks - MINE.marks


def test_paths_beside_the_described_ones_are_tried_with_their_ids() -> None:
    """Below each collection, bare and for the victim; and each operation by other ways in."""
    lines = {request.line for request in undescribed.requests(WAYS, MINE, THEIRS)}

    assert {"/api/properties/export", f"/api/properties/export/{THEIRS.organization_id}", f"/api/properties/all/{THEIRS.tenant}"} <= lines
    assert {"/partner/api/properties", "/partner/properties"} <= lines


@pytest.mark.parametrize(
    ("status", "body", "canaries", "outcome"),
    [
        (404, "nothing", 1, Outcome.PASS),
        (404, "nothing", 0, Outcome.ERROR),
        (200, "[]", 1, Outcome.NOT_REVIEWED),
        (200, THEIRS.canary, 1, Outcome.FAIL),
        (500, f"while reading {THEIRS.canary}", 0, Outcome.FAIL),
    ],
    ids=["refused", "nothing-to-see", "open", "leak", "leak-in-an-error"],
)
def test_what_answers_is_never_passed_over(status: int, body: str, canaries: int, outcome: Outcome) -> None:
    """Another tenant's data fails, an answer that nobody describes is not reviewed, and without a canary nothing is proven."""
    judged = undescribed.judge("door", [(HIDDEN, reply(status, body))], foreign=FOREIGN, canaries=canaries)

    assert judged.outcome is outcome


def test_only_what_nobody_describes_is_asked() -> None:
    """A described path is left to its own attack, with and without a slash at its end; one below it is not."""
    asked = [Request(method="GET", path=path) for path in ("/api/properties/", "/api/properties/all", "/api/properties/all/t10")]

    assert [request.path for request in undescribed.beside(WAYS, asked)] == ["/api/properties/all/t10"]
