"""Values made from a description: they fit it, and they bear their owner's mark."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suites.tenancy.gateway.values import Unmakeable, filled

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Somebody:
    """Somebody with one id and words of their own."""

    identifier: str | None = "11111111-1111-4111-8111-111111111111"
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def word(self) -> str:
        """A new word."""
        return f"cabcx{next(self.numbers):04x}"

    def known(self, name: str, form: str) -> str | None:
        """The id, for whatever takes one."""
        del name
        return self.identifier if form == "uuid" else None


SCALARS = st.one_of(
    st.builds(lambda low, span: {"type": "integer", "minimum": low, "maximum": low + span}, st.integers(-50, 50), st.integers(0, 50)),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-50, 50)),
    st.builds(lambda low, span: {"type": "string", "minLength": low, "maxLength": low + span}, st.integers(0, 6), st.integers(0, 40)),
    st.just({"type": "boolean"}),
    st.just({"type": "string", "format": "uuid"}),
    st.just({"type": "string", "pattern": r"^[a-z][a-z_]{0,31}$"}),
    st.just({"enum": ["one", "two"]}),
    st.just({"anyOf": [{"type": "null"}, {"type": "string"}]}),
)
SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda item: {"type": "array", "items": item}, inner),
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1).map(
            lambda parts: {"type": "object", "properties": parts, "required": sorted(parts)}
        ),
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_a_value_is_as_its_schema_says(schema: dict[str, object]) -> None:
    """Whatever is made from a schema is valid by it."""
    jsonschema.validate(filled(schema, {}, Somebody()), schema)


def test_every_text_bears_the_owners_mark() -> None:
    """Optional texts are filled too, each with a word of its own."""
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "note": {"type": "string", "default": ""}},
        "required": ["title"],
    }

    assert filled(schema, {}, Somebody()) == {"title": "cabcx0000", "note": "cabcx0001"}


def test_a_reference_is_followed() -> None:
    """A schema that stands elsewhere is looked up."""
    assert filled({"$ref": "#/components/schemas/Price"}, {"Price": {"type": "integer", "minimum": 7}}, Somebody()) == 7


def test_what_cannot_be_made_is_said() -> None:
    """An id that nobody has made, or a text of an unknown form, is named."""
    schema = {"type": "object", "properties": {"lead_id": {"type": "string", "format": "uuid"}}, "required": ["lead_id"]}

    with pytest.raises(Unmakeable, match="lead_id"):
        filled(schema, {}, Somebody(identifier=None))
    with pytest.raises(Unmakeable, match="code"):
        filled({"type": "object", "properties": {"code": {"type": "string", "pattern": "^#{9}$"}}, "required": ["code"]}, {}, Somebody())
