"""The audit log is read event by event, and what is missing from it is a failure."""

from __future__ import annotations

import json

from constat.outcome import Outcome
from suites.kubernetes.test_audit import Deed, deeds, judge_content, judged

READ = Deed("kubernetes-admin", "get", "secrets", 200)
SHELL = Deed("kubernetes-admin", "create", "pods/exec", 404)


def event(deed: Deed) -> str:
    """A line of the log."""
    resource, _, part = deed.resource.partition("/")
    document = {
        "user": {"username": deed.user},
        "verb": deed.verb,
        "objectRef": {"resource": resource, "name": "nonce", **({"subresource": part} if part else {})},
        "responseStatus": {"code": deed.code},
    }
    return json.dumps(document)


def test_events_say_who_did_what_to_which_kind() -> None:
    """Parts of objects are told from the objects themselves."""
    assert deeds([event(READ), event(SHELL)]) == {READ, SHELL}


def test_each_deed_that_is_missing_is_a_failure() -> None:
    """Whatever else is in the log."""
    found = {judgement.subject: judgement.outcome for judgement in judged(frozenset({READ, SHELL}), frozenset({READ}))}

    assert found == {"get secrets by kubernetes-admin": Outcome.PASS, "create pods/exec by kubernetes-admin": Outcome.FAIL}


def test_a_deed_with_another_ending_is_another() -> None:
    """A refusal that the log calls a success is not what was done."""
    other = Deed(READ.user, READ.verb, READ.resource, 403)

    assert [judgement.outcome for judgement in judged(frozenset({READ}), frozenset({other}))] == [Outcome.FAIL]


def test_a_log_that_shows_content_fails() -> None:
    """It names what it shows, and not how it reads."""
    assert judge_content(set(), frozenset({"a token"})).outcome is Outcome.PASS
    assert judge_content({"a token"}, frozenset({"a token"})).outcome is Outcome.FAIL
