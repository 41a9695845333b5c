"""What functions are called with."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import pytest

from suites.tenancy.postgres.calling import MOST_CALLS, calls, statement, unknown_types
from suites.tenancy.postgres.lore import Lore, Shape, spelled
from tests.suites.tenancy.postgres.samples import CANARY, THEIRS, function, seed

SHAPES = {
    "reach": Shape(literals=("mine", "all")),
    "tstzrange": Shape(literals=("(,)",)),
    "pair": Shape(attributes=(("name", "text"), ("reach", "reach"))),
    "gtsvector": Shape(),
}


def existing(*arguments: str, **more: tuple[str, ...]) -> list[tuple[object, ...]]:
    """The values of every call."""
    return [call.existing for call in calls(function(*arguments), [seed()], "t10", Lore(shapes=SHAPES, **more))]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("reach", "all"),
        ("tstzrange", "(,)"),
        ("reach[]", ["mine", "all"]),
        ("pair", f'("{CANARY}","mine")'),
        ("tsquery", f"'{CANARY}'"),
        ("anyelement", CANARY),
    ],
)
def test_every_type_has_its_values(kind: str, value: object) -> None:
    """Labels, everything there is, all of a list, what the victim has under an attribute's name, its canary."""
    assert (value,) in existing(kind)


def test_a_type_without_a_value_is_named() -> None:
    """Where there is nothing to give but NULL, in a list either, the type is said; and no other."""
    found = unknown_types(function("gtsvector", "text", "gtsvector[]", "reach"), [seed()], "t10", Lore(shapes=SHAPES))

    assert found == ("gtsvector", "gtsvector[]")


def test_the_source_spells_words_and_keys() -> None:
    """A word of the source goes with the victim's id, and a key of a document holds it."""
    assert spelled("x = 'full' OR y = 'it''s' OR x = 'full'") == ("full", "it's")
    assert (THEIRS, "full") in existing("uuid", "text", literals=("full",))
    documents = [json.loads(str(given)) for (given,) in existing("jsonb", keys=("agency",))]
    assert any(isinstance(one, dict) and one.get("agency") == THEIRS for one in documents)


def test_words_rows_and_lists_stay_within_bounds() -> None:
    """However much there is to choose from, the calls are bounded and none is made twice."""
    made = existing("uuid", "text", "text", "jsonb", "reach", literals=tuple(f"word{place}" for place in range(50)))

    assert len(made) <= MOST_CALLS
    assert len(set(map(repr, made))) == len(made)


@pytest.mark.parametrize(
    ("kind", "text"), [("window function", 'SELECT ("public"."f"() OVER ())::text'), ("aggregate", 'SELECT "public"."f"(*)::text')]
)
def test_aggregates_and_windows_are_called(kind: str, text: str) -> None:
    """Each in the form that the server asks for."""
    assert statement(function(kind=kind), ()).as_string() == text


def test_what_is_nowhere_has_the_form_of_what_exists() -> None:
    """An address stays an address, and a word without a canary stays as it is: a form alone is no neighbour's secret."""
    row = replace(seed(), values={"id": UUID(THEIRS), "email": f"{CANARY}@example.com", "status": "new"})
    made = calls(function("uuid", "text"), [row], "t10", Lore(shapes={}, names=("p_id", "p_email")))
    told = {str(call.existing[1]): str(call.absent[1]) for call in made}

    assert told[f"{CANARY}@example.com"].endswith("@example.com")
    assert told[f"{CANARY}@example.com"] != f"{CANARY}@example.com"
    assert told["new"] == "new"
