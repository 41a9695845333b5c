"""Versions: which numbers a word has, and which is lower."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.errors import Unobservable
from constat.observe.versions import STATUS_SECONDS, numbers, questions, versions
from constat.stack import Cache, Coordinator, Listener, Login
from tests.suites.security.stacks import bare

DOTTED = st.lists(st.integers(min_value=0, max_value=500), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("15.20 (Debian)", (15, 20)),
        ("2.42.0+ds", (2, 42)),
        ("PgBouncer 1.18.0", (1, 18)),
        ("2.6.12-1+deb12u4", (2, 6, 12)),
        ("v3.7", (3, 7)),
    ],
)
def test_numbers_are_found_in_what_servers_say(word: str, expected: tuple[int, ...]) -> None:
    """Names, builds and distributions around the numbers do not matter."""
    assert numbers(word) == expected


@given(DOTTED, DOTTED)
def test_versions_are_compared_as_numbers(first: list[int], second: list[int]) -> None:
    """3.10 is above 3.9, and 15 is 15.0: what the text would say of them does not count."""

    def padded(parts: list[int]) -> list[int]:
        return parts + [0] * (4 - len(parts))

    words = [".".join(map(str, parts)) for parts in (first, second)]

    assert (numbers(words[0]) >= numbers(words[1])) == (padded(first) >= padded(second))


@pytest.mark.parametrize("word", ["", "unknown", "v"])
def test_a_word_without_numbers_is_not_a_version(word: str) -> None:
    """What cannot be compared is not known."""
    with pytest.raises(Unobservable, match="not a version"):
        numbers(word)


def test_nothing_is_asked_of_what_is_not_there() -> None:
    """A stack without capabilities has no questions."""
    assert questions(bare()) == ()


def test_every_member_is_asked_by_its_node() -> None:
    """A component of several servers has a question for each, under the name of its node."""
    listeners = tuple(Listener(node=f"coordinator-{n}", name="client", port=n, tls=True, protocol="etcd") for n in (1, 2))
    store = Coordinator(endpoints=("https://127.0.0.1:1", "https://127.0.0.1:2"), ca="", scope="s", login=Login(user="root", password="x"))

    found = questions(bare(coordinator=store, listeners=listeners))

    assert [(q.component, q.subject) for q in found] == [("coordinator", "coordinator-1"), ("coordinator", "coordinator-2")]


def test_who_does_not_answer_is_left_out() -> None:
    """`constat status` shows what is known, and waits for nobody for long."""
    assert versions(bare(cache=Cache(url="redis://127.0.0.1:9/0", admin_password="x", ca=""))) == {}
    assert STATUS_SECONDS <= 1.5
