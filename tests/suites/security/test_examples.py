"""Requests that nobody wrote: the smallest value of a schema is a value of the schema."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from suites.security.examples import example

SCALARS = st.sampled_from([{"type": "integer"}, {"type": "number", "minimum": 3}, {"type": "boolean"}, {"type": "null"}])
STRINGS = st.builds(lambda n: {"type": "string", "minLength": n, "maxLength": 300}, st.integers(min_value=0, max_value=40))
ENUMS = st.builds(lambda values: {"enum": values}, st.lists(st.text(max_size=5), min_size=1, max_size=3))


def containers(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects, arrays and alternatives of what there is."""
    objects = st.builds(
        lambda parts: {"type": "object", "properties": parts, "required": sorted(parts), "additionalProperties": False},
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    )
    arrays = st.builds(
        lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(min_value=0, max_value=1)
    )
    return objects | arrays | st.builds(lambda first, second: {"anyOf": [first, second]}, inner, inner)


@given(st.recursive(SCALARS | STRINGS | ENUMS, containers, max_leaves=8))
def test_an_example_is_valid(schema: dict[str, Any]) -> None:
    """Whatever the schema, its example is accepted by it."""
    jsonschema.validate(example(schema, {}), schema)


def test_references_are_followed() -> None:
    """A schema may be described elsewhere in the document."""
    schemas = {"Draft": {"type": "object", "properties": {"title": {"type": "string", "minLength": 2}}, "required": ["title"]}}

    assert example({"$ref": "#/components/schemas/Draft"}, schemas) == {"title": "aa"}


def test_a_schema_that_refers_to_itself_comes_to_an_end() -> None:
    """A tree of comments is cut off instead of being followed for ever."""
    schemas = {"Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}, "required": ["next"]}}

    assert isinstance(example({"$ref": "#/components/schemas/Node"}, schemas), dict)


def test_a_uuid_is_one() -> None:
    """A format that a route checks is kept."""
    assert len(example({"type": "string", "format": "uuid"}, {})) == 36
