"""What telemetry betrays: in answers, on pages, in logs."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.tenancy.gateway.request import Request
from suites.tenancy.telemetry.internals import present, told
from suites.tenancy.telemetry.provoking import Provoked
from suites.tenancy.telemetry.test_answers import judge_errors, judge_pages
from suites.tenancy.telemetry.test_logs import judge
from tests.suites.tenancy.gateway.people import reply

ASKED = Request(method="GET", path="/api/search", query=(("q", "a"),))


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/srv/app/main.py", line 3, in handler',
        'psycopg.errors.UndefinedTable: relation "leads" does not exist',
        "syntax error at or near: SELECT id, title FROM properties WHERE",
        "could not read /usr/lib/python3/dist-packages/thing/settings.py",
        "cannot reach postgresql://app:hunter2@10.0.0.5/db",
        "goroutine 1 [running]:",
    ],
)
def test_an_inside_is_recognised(text: str) -> None:
    """Code, statements, paths and addresses with a login."""
    assert told(text)


@pytest.mark.parametrize("text", ["there is no such thing", "the input is not as described: Expected `str`, got `int` - at `$.title`", ""])
def test_plain_words_are_none(text: str) -> None:
    """A title of the service's own tells nothing."""
    assert told(text) == ()


def test_what_the_client_has_said_is_no_betrayal() -> None:
    """An echo is the client's own words."""
    assert told("you asked for SELECT a FROM b", sent="q=SELECT a FROM b") == ()


def test_words_are_found_in_whatever_case() -> None:
    """Each once."""
    assert present("Canary CANARY", ["canary", "other"]) == ("canary",)


def test_one_telling_answer_fails_and_none_is_an_error() -> None:
    """Answers that betray, and no answers."""
    one = Provoked(door="property", request=ASKED, reply=reply(500, "psycopg.errors.Something"))

    assert judge_errors("property", [one], frozenset(), frozenset()).outcome is Outcome.FAIL
    assert judge_errors("property", [], frozenset(), frozenset()).outcome is Outcome.ERROR


def test_a_page_with_somebody_elses_id_fails() -> None:
    """Whoever reads it."""
    people = {"anonymous": frozenset({"their-id-1234"}), "t1": frozenset[str]()}
    pages = {("anonymous", "/metrics"): 'route="/x/their-id-1234"', ("t1", "/metrics"): 'route="/x/their-id-1234"'}

    said = judge_pages("pages", pages, people, frozenset(), asked=2)

    assert (said.outcome, said.observed) == (Outcome.FAIL, ["/metrics to anonymous"])


def test_a_log_with_data_fails_and_shows_where() -> None:
    """With the line around it, and without calling the value by itself in the reason."""
    said = judge("property", {"http.log": b"INFO POST {'title': 'c123'}"}, {"c123": "data of t1"})

    assert (said.outcome, said.reason) == (Outcome.FAIL, "it holds data of t1")
    assert judge("property", {"http.log": b"INFO ready"}, {"c123": "data of t1"}).outcome is Outcome.PASS
