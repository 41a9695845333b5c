"""Spellings: whatever an encoded text has around a word, the word is found in it."""

from __future__ import annotations

import base64
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from constat.spelling import SHORTEST, every_spelling, spellings

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=SHORTEST, max_size=60)


@given(WORDS, st.binary(max_size=20), st.binary(max_size=20))
def test_a_word_is_found_in_what_is_encoded(word: str, before: bytes, after: bytes) -> None:
    """In base64 of both alphabets and in hexadecimal of both cases, wherever it begins."""
    around = before + word.encode() + after
    for encoded in (base64.b64encode(around).decode(), base64.urlsafe_b64encode(around).decode(), around.hex(), around.hex().upper()):
        assert any(spelled in encoded for spelled in spellings(word))


def test_a_short_word_is_only_itself() -> None:
    """Two letters' worth of base64 would be found everywhere."""
    assert spellings("t10") == ("t10",)


def test_an_id_is_found_without_its_hyphens() -> None:
    """As drivers and file names write it."""
    identifier = UUID("11111111-0000-4000-8000-000000000010")

    assert identifier.hex in every_spelling([str(identifier)])
