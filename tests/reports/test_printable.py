"""Text from a platform is shown, never obeyed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.printable import document, printable, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain — été ✓", "plain — été ✓"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("nul\x00", "nul\\x00"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("lone \udc80", "lone \\udc80"),
        ("a\rb", "a\\rb"),
    ],
    ids=["letters", "whitespace", "terminal escape", "nul", "right-to-left override", "surrogate", "carriage return"],
)
def test_what_a_reader_cannot_see_is_spelled_out(text: str, expected: str) -> None:
    """Letters stay, what moves the cursor or turns the text around becomes its escape."""
    assert printable(text) == expected


@given(st.text(alphabet=st.characters()))
def test_any_text_can_be_encoded_and_shown_twice(text: str) -> None:
    """The result is UTF-8, and showing it again changes nothing."""
    once = printable(text)

    assert once.encode().decode() == once
    assert printable(once) == once


def test_a_value_is_shown_as_people_read_it() -> None:
    """Text stands as it is; anything else is JSON with its keys in order."""
    assert shown("as it is") == "as it is"
    assert shown({"b": 1, "a": [True, None]}) == '{\n  "a": [\n    true,\n    null\n  ],\n  "b": 1\n}'


def test_a_document_is_json_for_every_parser() -> None:
    """NaN, infinity and lone surrogates do not leave a document that only Python reads."""
    content = document({"nan": float("nan"), "list": (1.5, float("inf")), "text": "\udc80"})

    assert json.loads(content.decode("utf-8"), parse_constant=pytest.fail) == {"nan": "nan", "list": [1.5, "inf"], "text": "\udc80"}
