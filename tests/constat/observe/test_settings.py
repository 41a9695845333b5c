"""What servers say of their settings, as tables."""

from __future__ import annotations

from typing import Any

from constat.errors import Unobservable
from constat.observe.deployed import as_text, by_node
from constat.observe.settings import observed
from constat.observe.settings.broker import defined
from constat.observe.settings.postgres import is_issued
from constat.observe.settings.vault import tokens

TOKEN: dict[str, Any] = {"path": "auth/token/create", "display_name": "token-admin", "policies": ["admin"], "period": 3600, "orphan": True}


def test_a_user_of_the_broker_is_known_by_everything_but_its_password() -> None:
    """Tags and limits as they are, the password as a fingerprint."""
    said = dict(defined("users", {"name": "ops", "tags": ["administrator"], "password_hash": "abc", "limits": {}}))

    assert said["user ops.tags"] == '["administrator"]'
    assert said["user ops.password_hash"].startswith("sha256:")


def test_a_binding_is_known_by_where_it_leads() -> None:
    """Two bindings of one queue are two facts."""
    one = {"source": "lead.events", "vhost": "t1", "destination": "t1.events", "destination_type": "queue", "arguments": {}}
    names = {name for key in ("a", "b") for name, _ in defined("bindings", one | {"routing_key": key})}

    assert len(names) == 2


def test_a_second_token_of_the_same_kind_is_a_difference() -> None:
    """One that lasts longer too; one that somebody logged in for comes and goes."""
    login = TOKEN | {"path": "auth/approle/login"}

    assert tokens([TOKEN]) == tokens([TOKEN, login])
    assert tokens([TOKEN]) != tokens([TOKEN, TOKEN])
    assert tokens([TOKEN]) != tokens([TOKEN | {"period": 7200}])


def test_what_is_issued_is_no_setting() -> None:
    """Also where PostgreSQL quotes the name."""
    assert is_issued('membership application to "issued-app-1"', ("issued-",))
    assert not is_issued("membership application to app", ("issued-",))
    assert not is_issued("login app.rolsuper", ())


def test_who_is_silent_is_named() -> None:
    """What the others say counts nevertheless."""

    def broken() -> dict[str, str]:
        msg = "down"
        raise Unobservable(msg)

    assert observed({"cache": lambda: {"appendonly": "yes"}, "broker": broken}) == ({"cache": {"appendonly": "yes"}}, {"broker": "down"})


def test_bytes_are_told_apart() -> None:
    """Also where they are no text."""
    assert as_text(b"\xff\x00") != as_text(b"\xff\x01")
    assert by_node([("a", "x", b"1"), ("a", "y", b"2"), ("b", "x", b"3")]) == {"a": {"x": "1", "y": "2"}, "b": {"x": "3"}}
