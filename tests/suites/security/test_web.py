"""What an answer to a stranger means."""

from __future__ import annotations

import pytest

from constat.observe.http import Reply
from constat.stack import Gateway, Listener
from suites.security.approach import Ground
from suites.security.strangers import web
from tests.suites.security.stacks import bare

GROUND = Ground(stack=bare(), ca="", canary="c1", tenant="t1", private=frozenset({"11111111-0000-4000-8000-000000000001"}))


def listener(name: str, port: int = 1) -> Listener:
    """A web server's listener."""
    return Listener(node="n", name=name, port=port, tls=True, protocol="https")


@pytest.mark.parametrize(
    ("status", "public", "kind"),
    [
        (200, False, "ok"),
        (204, False, "ok"),
        (200, True, "public"),
        (401, False, "http 401"),
        (404, True, "http 404"),
        (301, False, "http 301"),
    ],
)
def test_a_success_is_being_let_in_unless_it_is_declared(status: int, kind: str, *, public: bool) -> None:
    """Whatever succeeds for a stranger is an open door, unless somebody said that it is everybody's."""
    assert web.seen(GROUND, Reply(status=status, headers={}, body=b"{}"), public=public).kind == kind


@pytest.mark.parametrize(
    "reply", [(401, {}, b"11111111-0000-4000-8000-000000000001"), (302, {"location": "/11111111-0000-4000-8000-000000000001"}, b"")]
)
def test_an_answer_that_shows_who_the_tenants_are_is_an_open_door(reply: tuple[int, dict[str, str], bytes]) -> None:
    """Whatever the status, body and headers are looked through."""
    status, headers, body = reply

    assert web.seen(GROUND, Reply(status=status, headers=headers, body=body), public=True).kind == "ok"


def test_a_listener_that_nobody_knows_shows_nothing_to_everybody() -> None:
    """What is public is declared by role; a new web server has no role."""
    role = web.role(bare(), listener("web"))

    assert not any(role.shows("GET", path) for path in web.WELL_KNOWN)


def test_a_role_goes_by_the_capability_whose_address_it_is() -> None:
    """The plain entry point of the gateway only redirects, and a declared name does not change that."""
    stack = bare(gateway=Gateway(url="https://127.0.0.1:2", plain_url="http://127.0.0.1:1", ca=""))

    assert web.role(stack, listener("metrics", port=1)).redirects


@pytest.mark.parametrize("role", [web.NUMBERS, web.SERVICE, web.OBJECTS, web.MANAGEMENT, web.PATRONI])
def test_nobody_may_change_what_everybody_may_see(role: web.Role) -> None:
    """Public is for looking: no other method is anybody's."""
    assert not any(role.shows(method, path) for method in web.CHANGES for path in (*role.public, "/"))
