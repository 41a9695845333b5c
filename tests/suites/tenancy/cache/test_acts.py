"""How calls are made of the server's description, and how its word is taken."""

from __future__ import annotations

import pytest

from constat.attempt import Answer
from constat.observe.commands import PLACE, Command, _command
from suites.tenancy.cache.acts import aimed
from suites.tenancy.cache.channels import subscriptions
from suites.tenancy.cache.ground import Planted, near_misses
from suites.tenancy.cache.line import SWITCHED_OFF, refusal

GET = {"get": [["name", "key", "type", "key"]]}
SORT = {
    "sort": [
        ["name", "key", "type", "key"],
        ["name", "by", "type", "pattern", "token", "BY", "flags", ["optional"]],
        ["name", "store", "type", "key", "token", "STORE", "flags", ["optional"]],
    ]
}


def test_a_command_is_called_in_every_way_that_is_described() -> None:
    """The least that it takes, and each optional part by itself."""
    command = _command("sort", frozenset(), SORT)

    assert command.templates == (("sort", PLACE), ("sort", PLACE, "BY", PLACE), ("sort", PLACE, "STORE", PLACE))


def test_the_victims_key_is_put_in_each_place_in_turn() -> None:
    """One's own key is in the others."""
    command = Command(name="copy", flags=frozenset(), templates=(("copy", PLACE, PLACE),))

    assert [words for _, words, _ in aimed([command], own="a", theirs="b")] == [("copy", "b", "a"), ("copy", "a", "b")]


def test_subcommands_are_called_by_both_words() -> None:
    """As the server names them with a bar."""
    assert _command("object|encoding", frozenset(), {"object|encoding": GET["get"]}).templates == (("object", "encoding", PLACE),)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NOPERM this user has no permissions to run the 'keys' command", "noperm"),
        ("MODULE command not allowed. If the enable-module-command option", SWITCHED_OFF),
        ("WRONGTYPE Operation against a key", "error WRONGTYPE"),
    ],
)
def test_a_refusal_is_told_from_another_error(text: str, kind: str) -> None:
    """Only what has no right is refused."""
    assert refusal(RuntimeError(text)).kind == kind
    assert isinstance(refusal(RuntimeError(text)), Answer)


def test_names_that_look_alike_are_tried() -> None:
    """Without the separator, in capitals, and in braces."""
    planted = Planted(tenant="t10", known="t10:k", hidden="t10:h", content="c", name="n")

    found = set(near_misses("t1", planted))

    assert {"t10", "t10:k", "T1:constat-tenancy", "t1x:constat-tenancy"} <= found
    assert not any(name.startswith("t1:") for name in found)


def test_no_pattern_is_ones_own() -> None:
    """What a tenant may hear is not among what it must not."""
    assert ("PSUBSCRIBE", "t1:*") not in set(subscriptions("t1", "t10"))
    assert ("PSUBSCRIBE", "t1*") in set(subscriptions("t1", "t10"))
