"""Tables of settings: made from what servers answer, and compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.errors import Unobservable
from constat.settings import ABSENT, differences, fingerprint, flat, load

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.text("abc.", min_size=1, max_size=4)
TABLES = st.dictionaries(NAMES, st.text("xyz\n", max_size=8))


def test_every_leaf_has_a_name() -> None:
    """Objects within objects are told apart by dots, lists stay whole."""
    assert dict(flat({"a": {"b": True, "c": ["x", 1]}, "d": None})) == {"a.b": "true", "a.c": '["x", 1]', "d": "null"}


@pytest.mark.parametrize("name", ["password_hash", "requirepass", "connection.secretKey", "POSTGRES_PASSWORD"])
def test_a_private_value_is_never_shown(name: str) -> None:
    """What is compared is a fingerprint, the same for the same value."""
    ((_, shown),) = flat({name: "correct horse"})

    assert "horse" not in shown
    assert shown == fingerprint("correct horse")


@given(TABLES)
def test_a_table_does_not_differ_from_itself(table: dict[str, str]) -> None:
    """Whatever it holds."""
    assert list(differences(table, table)) == []


@given(TABLES, TABLES)
def test_every_name_that_is_not_the_same_is_a_difference(declared: dict[str, str], observed: dict[str, str]) -> None:
    """What was changed, what was taken away, and what was added."""
    wrong = {name for name in declared.keys() | observed.keys() if declared.get(name) != observed.get(name)}

    assert {name for name, _, _ in differences(declared, observed)} == wrong


def test_of_a_long_text_only_the_lines_that_differ_are_shown() -> None:
    """A configuration of a thousand lines would hide what was done to it."""
    ((_, before, now),) = differences({"file": "a\nb\nc\n"}, {"file": "a\nB\nc\n"})

    assert (before, now) == ("b", "B")


def test_a_text_that_lost_a_line_says_which() -> None:
    """Nothing stands where it was."""
    assert list(differences({"file": "a\nb\n"}, {"file": "a\n"})) == [("file", "b", ABSENT)]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"servers": []}', '{"servers": {"a": 1}}'])
def test_what_is_no_table_cannot_be_compared_with(tmp_path: Path, content: str) -> None:
    """An empty expectation would be met by anything."""
    path = tmp_path / "declared.json"
    path.write_text(content)

    with pytest.raises(Unobservable, match="servers"):
        load(str(path), "servers")


def test_a_table_is_read_back(tmp_path: Path) -> None:
    """Part by part."""
    path = tmp_path / "declared.json"
    path.write_text(json.dumps({"servers": {"cache": {"appendonly": "yes"}}}))

    assert load(str(path), "servers") == {"cache": {"appendonly": "yes"}}
