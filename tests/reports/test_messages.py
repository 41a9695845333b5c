"""The reports speak every language of the catalogue equally well."""

from __future__ import annotations

import string
import tomllib
from datetime import UTC, datetime

import pytest

from constat.control import FAMILIES
from constat.errors import UserError
from constat.outcome import Outcome, Severity
from reports.messages import CATALOGUE, messages
from reports.run import Verdict

LANGUAGES: dict[str, dict[str, str]] = tomllib.loads(CATALOGUE.read_text("utf-8"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_every_text(lang: str) -> None:
    """The languages' keys are the same, and no text is empty."""
    assert LANGUAGES[lang].keys() == LANGUAGES["en"].keys()
    assert [key for key, text in LANGUAGES[lang].items() if not text] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_fills_in_the_same_values(lang: str) -> None:
    """A text names the values that its English names, but for a number that is written out."""
    fields = {key: {name for _, name, _, _ in string.Formatter().parse(text) if name} for key, text in LANGUAGES[lang].items()}
    english = {key: {name for _, name, _, _ in string.Formatter().parse(text) if name} for key, text in LANGUAGES["en"].items()}

    assert [key for key in fields if fields[key] - {"n"} != english[key] - {"n"}] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_of_the_vocabulary_has_a_text(lang: str) -> None:
    """Outcomes, severities, families and verdicts are named in every language."""
    t = messages(lang)
    keys = [
        *(f"outcome.{outcome}" for outcome in Outcome),
        *(f"severity.{severity}" for severity in Severity),
        *(f"family.{family}" for family in FAMILIES.values()),
        *(f"verdict.{verdict}" for verdict in Verdict),
    ]

    assert [key for key in keys if key not in t.texts] == []


def test_an_unknown_language_is_refused() -> None:
    """The refusal names the languages that there are."""
    with pytest.raises(UserError, match=r"language 'nl' is unknown, expected one of en, fr"):
        messages("nl")


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0.0, "0.0 s", "0,0 s"),
        (9.94, "9.9 s", "9,9 s"),
        (59.4, "59 s", "59 s"),
        (59.6, "1 min 00 s", "1 min 00 s"),
        (134.0, "2 min 14 s", "2 min 14 s"),
        (14700.0, "4 h 05 min", "4 h 05 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds: float, english: str, french: str) -> None:
    """Tenths below ten seconds, then seconds, minutes, hours."""
    assert messages("en").duration(seconds) == english
    assert messages("fr").duration(seconds) == french


def test_numbers_and_dates_follow_the_language() -> None:
    """Thousands, plurals and months are those of the language."""
    moment = datetime(2026, 8, 1, 7, 5, tzinfo=UTC)

    assert messages("en").count("scope.subjects", 1904) == "1,904 subjects"
    assert messages("fr").count("scope.subjects", 1904) == "1\u202f904 sujets"
    assert messages("en").count("scope.subjects", 0) == "0 subjects"
    assert messages("fr").count("scope.subjects", 0) == "0 sujet"
    assert messages("en").moment(moment) == "1 August 2026, 07:05\u00a0UTC"
    assert messages("fr").day(moment) == "1 août 2026"
