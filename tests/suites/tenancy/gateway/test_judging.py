"""What an answer to an attack means."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from constat.trial import Act
from suites.tenancy.gateway import judging
from suites.tenancy.gateway.judging import Tried, judged, marks, outcome_of
from suites.tenancy.gateway.request import Request
from tests.suites.tenancy.gateway.people import MINE_ID, THEIR_ID, pair, reply

MINE, THEIRS, ABSENT = pair()
KNOWN = marks(MINE, THEIRS, ABSENT)
ABSENT_ID = ABSENT.places["/api/properties", "id"]


def asked(identifier: str = THEIR_ID, method: str = "GET") -> Request:
    """A request for one property."""
    return Request(method=method, path="/api/properties/{id}", places={"id": identifier})


def tried(status: int, body: str, *, absent: tuple[int, str] | None = None, method: str = "GET") -> Tried:
    """An attack that was answered so, beside the answer for what exists nowhere."""
    other = None if absent is None else reply(*absent)
    return Tried(how="path with their id", request=asked(method=method), reply=reply(status, body), absent=other)


@pytest.mark.parametrize(
    ("attack", "outcome"),
    [
        (tried(404, "there is no such thing"), Outcome.PASS),
        (tried(404, f"no {THEIR_ID}", absent=(404, f"no {ABSENT_ID}")), Outcome.PASS),
        (tried(200, f"title {THEIRS.canary}x0000"), Outcome.FAIL),
        (tried(403, "it is another tenant's", absent=(404, "there is no such thing")), Outcome.FAIL),
        (tried(404, "a", absent=(404, "b")), Outcome.FAIL),
        (tried(500, "the service failed"), Outcome.ERROR),
        (tried(429, "too often"), Outcome.ERROR),
        (tried(200, f"own {MINE_ID}"), Outcome.PASS),
    ],
)
def test_an_attack_ends_as_it_was_answered(attack: Tried, outcome: Outcome) -> None:
    """A leak or a difference fails, a failing service is no refusal, and one's own is no leak."""
    assert outcome_of(attack, KNOWN, MINE.canary)[0] is outcome


def test_an_echo_is_no_leak() -> None:
    """What the client has sent itself tells it nothing."""
    assert judging.leaks(asked(), reply(404, f"no {THEIR_ID}"), KNOWN.foreign) == ()


def test_a_leak_in_a_header_counts() -> None:
    """Headers are read like bodies, in whatever case."""
    answer = reply(204, x_organization_id=THEIRS.organization_id.upper())

    assert judging.leaks(asked(), answer, KNOWN.foreign) == (THEIRS.organization_id,)


def test_times_and_new_ids_do_not_tell_answers_apart() -> None:
    """Two answers that mean the same are alike."""
    one = reply(201, f'{{"id": "{MINE_ID}", "title": "{MINE.canary}x0001", "at": "2026-11-21T10:00:00.123Z"}}')
    other = reply(201, f'{{"id": "{ABSENT_ID}", "title": "{MINE.canary}x0002", "at": "2026-11-21T10:00:01Z"}}')

    assert judging.alike(one, other, KNOWN, MINE.canary)


def test_a_header_tells_answers_apart() -> None:
    """An answer that differs in a header that means something is another answer."""
    assert not judging.alike(reply(404, allow="GET"), reply(404), KNOWN, MINE.canary)


def test_a_change_that_the_oracle_sees_fails() -> None:
    """However politely everything was answered."""
    said = judged(
        "PUT", [tried(404, "no"), tried(200, "done", method="PUT")], KNOWN, word=MINE.canary, twin="", changed=["public.properties"]
    )

    assert said.outcome is Outcome.FAIL
    assert "public.properties" in said.reason
    assert any(trial.act is Act.CHANGE and trial.outcome is Outcome.FAIL for trial in said.trials)


def test_nothing_tried_is_not_a_pass() -> None:
    """No attack at all proves nothing."""
    assert judged("GET", [], KNOWN, word=MINE.canary, twin="").outcome is Outcome.NOT_REVIEWED


def test_a_leak_comes_with_what_to_paste_and_without_a_token() -> None:
    """The reproduction names a shell variable where the token was."""
    said = judged("GET", [tried(200, THEIRS.canary)], KNOWN, word=MINE.canary, twin="", base="gateway/https")

    assert "Bearer $TOKEN" in said.evidence[0].content
    assert THEIR_ID in said.evidence[0].content
    assert MINE.token not in said.evidence[0].content
