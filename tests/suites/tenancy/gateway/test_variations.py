"""Variations: every attack exists against nobody too, and reaches for what it should."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from suites.tenancy.gateway import naming, pointing
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.resident import fresh, nowhere
from tests.suites.tenancy.gateway.people import MINE_ID, THEIR_ID, pair, way

if TYPE_CHECKING:
    from suites.tenancy.gateway.naming import Variation
    from suites.tenancy.gateway.resident import Resident

MINE, THEIRS, ABSENT = pair()
IMAGE = way("PUT", "/api/properties/{id}/images/{name}")
OWN_IMAGE = Request(method="PUT", path=IMAGE.path, places={"id": MINE_ID, "name": "mine"})
DRAFT = way("POST", "/api/properties")
OWN_DRAFT = Request(method="POST", path=DRAFT.path, body={"title": "a", "property_id": MINE_ID, "detail": {"note": "b"}})


def everything(whose: Resident) -> list[Variation]:
    """Every variation of two requests."""
    return list(
        chain(
            pointing.places(IMAGE, OWN_IMAGE, whose),
            pointing.bodies(OWN_DRAFT, MINE, whose),
            pointing.queries(DRAFT, OWN_DRAFT, MINE, whose),
            pointing.texts(OWN_DRAFT, MINE, whose),
            pointing.verbs(IMAGE, OWN_IMAGE, whose, frozenset({"PUT", "GET"})),
            pointing.paths(IMAGE, OWN_IMAGE, whose, ("/health",)),
            naming.filters(OWN_DRAFT, MINE, whose),
            naming.fields(OWN_DRAFT, whose),
            naming.headers(OWN_DRAFT, MINE, whose),
        )
    )


def test_what_is_tried_at_somebodys_is_tried_at_nobodys() -> None:
    """The same list, in the same order, for whoever it is aimed at."""
    assert [how for how, _ in everything(THEIRS)] == [how for how, _ in everything(ABSENT)]


def test_no_two_variations_are_called_the_same() -> None:
    """A finding's words lead to one attack."""
    hows = [how for how, _ in chain(naming.headers(OWN_DRAFT, MINE, THEIRS), naming.fields(OWN_DRAFT, THEIRS))]

    assert len(hows) == len(set(hows))


def test_places_are_tried_one_by_one_and_together() -> None:
    """Mine with theirs, theirs with mine, and both theirs."""
    tried = [request.places["id"] for _, request in pointing.places(IMAGE, OWN_IMAGE, THEIRS)]

    assert tried == [THEIR_ID, MINE_ID, THEIR_ID]


def test_ones_own_id_in_a_body_becomes_theirs() -> None:
    """Wherever it stands."""
    assert any(
        request.body.get("property_id") == THEIR_ID
        for _, request in pointing.bodies(OWN_DRAFT, MINE, THEIRS)
        if isinstance(request.body, dict)
    )


@pytest.mark.parametrize("header", ["X-Tenant-ID", "x-tenant-id", "X_Tenant_ID", "Tenant-ID", "X-Forwarded-User"])
def test_headers_come_in_their_spellings(header: str) -> None:
    """Each with what is theirs."""
    sent = {name: value for _, request in naming.headers(OWN_DRAFT, MINE, THEIRS) for name, value in request.headers[-1:]}

    assert header in sent


def test_a_fresh_value_has_the_same_shape() -> None:
    """Ids in it are other ids; without one, letters are other letters."""
    assert fresh("t10") != "t10"
    assert len(fresh("t10-agent")) == len("t10-agent")
    assert fresh(f"17_{THEIR_ID}").startswith("17_")


def test_nobody_shares_nothing_with_whom_they_stand_for() -> None:
    """Neither names nor ids nor words."""
    nobody = nowhere(THEIRS)

    assert not set(nobody.names) & set(THEIRS.names)
    assert not nobody.marks & THEIRS.marks


def test_a_request_to_paste_has_no_token() -> None:
    """It names a variable instead."""
    assert "$TOKEN" in OWN_DRAFT.curl("$TOKEN")
    assert "Authorization" not in OWN_DRAFT.curl("")
