"""What rows are planted with, and how they are recognised."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.tenancy.postgres.planting import CANARY, MARK, candidates, guesses, new_canary, new_number, new_uuid, tellings
from tests.suites.tenancy.postgres.samples import MINE, column, relation


def test_every_canary_is_found_by_its_mark() -> None:
    """A text and a uuid that carry the mark are recognised inside a row."""
    text, drawn = new_canary(), str(new_uuid())

    assert CANARY.findall(f"({text},{drawn})") == [text, drawn]


@given(st.integers(min_value=1, max_value=18))
def test_a_number_fits_its_column(digits: int) -> None:
    """A drawn number has no more digits than the column."""
    assert len(str(new_number(digits))) <= digits


@given(st.integers(min_value=1, max_value=40))
def test_a_text_fits_its_column(length: int) -> None:
    """Every candidate for a bounded text fits, and the first holds as much of the canary as there is room for."""
    values = candidates(column("name", length=length), new_canary())

    assert all(len(value) <= length for value in values)
    assert values[0].startswith(MARK[:length])


@pytest.mark.parametrize(
    ("constants", "first"),
    [(("email", "sms"), "email"), (("$2a$%",), "$2a$10$"), (("lead-%",), f"lead-{MARK}")],
)
def test_a_constraint_names_likely_values(constants: tuple[str, ...], first: str) -> None:
    """A value that a CHECK names comes first; a pattern is filled with the canary, and a hash's is a hash."""
    assert str(candidates(column("x", constants=constants), new_canary())[0]).startswith(first)


@pytest.mark.parametrize(
    "base", ["uuid", "boolean", "jsonb", "bytea", "date", "timestamp with time zone", "inet", "numeric", "int4range", "text[]", "interval"]
)
def test_common_types_have_a_value(base: str) -> None:
    """Somebody knows a value for every common type."""
    category = {"int4range": "R", "text[]": "A"}.get(base, "U")

    assert candidates(column("x", base, category=category), new_canary())


def test_a_row_is_recognised_by_what_is_its_own() -> None:
    """The canary first, then an id of its own, then one that it refers to; the tenant's id is nobody's mark."""
    canary, own, parent = new_canary(), str(uuid.uuid4()), str(uuid.uuid4())
    child = relation(refers=(2,))
    row = {"organization_id": MINE, "id": own, "parent": parent, "name": f"a {canary}"}

    assert tellings(child, "organization_id", row, canary) == canary
    assert tellings(child, "organization_id", row | {"name": "x"}, canary) == own
    assert tellings(child, "organization_id", {"organization_id": MINE, "parent": parent}, canary) == parent
    assert tellings(child, "organization_id", {"organization_id": MINE}, canary) == ""


@pytest.mark.parametrize(("shown", "width"), [("bit(3)", 3), ("bit varying(5)", 5), ("vector(8)", 8), ("tid", 1)])
def test_a_guess_is_as_wide_as_its_type(shown: str, width: int) -> None:
    """A type that nobody knows is guessed at by the width in its name: bits, and a list of numbers."""
    bits, numbers, *others = guesses(shown)

    assert set(bits) <= {"0", "1"}
    assert len(bits) == width
    assert numbers.count("1") == width
    assert others
