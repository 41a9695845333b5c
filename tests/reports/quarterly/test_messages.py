"""The recovery report speaks every language equally well."""

from __future__ import annotations

import string
import tomllib

import pytest

from reports.messages import CATALOGUE, QUARTERLY

LANGUAGES: dict[str, dict[str, str]] = tomllib.loads(QUARTERLY.read_text("utf-8"))


def fields(text: str) -> set[str]:
    """The values that a text names."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_text(lang: str) -> None:
    """The languages' keys are the same, no text is empty, and each names the values of its English."""
    assert LANGUAGES[lang].keys() == LANGUAGES["en"].keys()
    assert [key for key, text in LANGUAGES[lang].items() if not text] == []
    assert [key for key, text in LANGUAGES[lang].items() if fields(text) - {"n"} != fields(LANGUAGES["en"][key]) - {"n"}] == []


def test_no_text_of_the_other_reports_is_replaced() -> None:
    """Both catalogues are one, so no key is in both."""
    others = tomllib.loads(CATALOGUE.read_text("utf-8"))

    assert set(others) == set(LANGUAGES)
    assert set(others["en"]) & set(LANGUAGES["en"]) == set()
