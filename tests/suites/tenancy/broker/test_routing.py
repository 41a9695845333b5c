"""With which keys and headers a tenant's messages are sent, so that every binding is taken."""

from __future__ import annotations

from typing import Any

import pytest

from suites.tenancy.broker.routing import is_of, routes


def binding(key: str, **arguments: str) -> dict[str, Any]:
    """A binding in the tenant's virtual host."""
    return {"vhost": "ten", "routing_key": key, "arguments": arguments}


def test_every_pattern_is_filled_with_what_others_have_there() -> None:
    """A chain of two patterns is taken by one key, and no key names another tenant."""
    keys = routes([binding("*.lead.#"), binding("*.*.closed"), binding("t1.#")], "ten", "t10", ["t1"], alone=True).keys

    assert {"t10.lead.closed", "t10.property.created"} <= set(keys)
    assert not any(key.split(".")[0] == "t1" for key in keys)


def test_headers_are_those_of_the_bindings_of_that_host() -> None:
    """Another virtual host's are another's."""
    known = [binding("", kind="sale"), {"vhost": "one", "routing_key": "", "arguments": {"kind": "rent"}}]

    assert routes(known, "ten", "t10", [], alone=True).headers == ({"kind": "sale"},)


@pytest.mark.parametrize(
    ("key", "alone", "own"),
    [("t10.lead", False, True), ("lead.t10", False, True), ("lead", True, True), ("lead", False, False), ("t1.lead", True, False)],
)
def test_whose_a_key_is(key: str, alone: bool, own: bool) -> None:  # noqa: FBT001 - parameters
    """The tenant's that it names; nobody's is the tenant's whose virtual host it is."""
    assert is_of(key, "t10", ["t1"], alone=alone) is own
