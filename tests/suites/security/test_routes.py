"""When a tenant is past a service's door, and when a stranger is kept out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.http import Reply
from suites.security.strangers.routes import judge_stranger, judge_twin

NOWHERE = Reply(status=404, headers={}, body=b'{"title": "not found"}')


def reply(status: int, body: bytes = b"{}") -> Reply:
    """An answer with that status."""
    return Reply(status=status, headers={}, body=body)


@pytest.mark.parametrize(
    ("status", "kind"), [(200, "ok"), (404, "ok"), (422, "ok"), (401, "http 401"), (429, "http 429"), (503, "http 503")]
)
def test_a_twin_is_in_unless_it_is_kept_out(status: int, kind: str) -> None:
    """A complaint about the request comes from behind the door; a closed, busy or broken one proves nothing."""
    assert judge_twin(reply(status), NOWHERE).kind == kind


def test_a_path_that_leads_nowhere_is_recognised() -> None:
    """A route that an entry point does not have is told from one whose object is missing."""
    assert [judge_twin(NOWHERE, NOWHERE).shown, judge_twin(reply(404), NOWHERE).shown == "leads nowhere"] == ["leads nowhere", False]


@given(st.integers(min_value=100, max_value=599))
def test_only_the_demand_for_a_token_keeps_a_stranger_out(status: int) -> None:
    """Not finding something, or finding fault with a request, is told to those who are in."""
    answer = judge_stranger(reply(status), NOWHERE, leads=True, shows_private=False)

    assert (answer.kind == "ok") == (status not in {401, 403})


def test_a_refusal_that_shows_something_private_is_none() -> None:
    """A 401 with a tenant's id in it has let something out."""
    assert judge_stranger(reply(401), NOWHERE, leads=True, shows_private=True).kind == "ok"


def test_a_stranger_sees_nowhere_only_where_the_tenant_does() -> None:
    """Nowhere for a stranger and somewhere for the tenant means that the stranger got past the demand for a token."""
    kinds = [judge_stranger(NOWHERE, NOWHERE, leads=leads, shows_private=False).kind for leads in (False, True)]

    assert kinds == ["leads nowhere", "ok"]
