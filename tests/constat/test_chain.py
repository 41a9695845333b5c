"""A hash chain: its head stands for every item in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.chain import BEGINNING, Item, digest, forge, from_lines, head, to_lines
from constat.errors import UserError

ITEMS = st.lists(st.builds(Item, kind=st.text(max_size=4), name=st.text(max_size=8), sha256=st.text(max_size=8)), max_size=6)


@given(ITEMS, ITEMS, st.text(max_size=8))
def test_two_chains_have_one_head_only_if_they_are_the_same(one: list[Item], other: list[Item], previous: str) -> None:
    """Whatever is left out, added, changed or moved leads to another head."""
    heads = [head(forge(items, previous=previous), previous=previous) for items in (one, other)]

    assert (heads[0] == heads[1]) == (one == other)


@given(ITEMS.filter(bool), st.text(max_size=8))
def test_a_chain_stands_on_the_one_before(items: list[Item], previous: str) -> None:
    """The same items after another head are another chain."""
    assert (head(forge(items)) == head(forge(items, previous=previous))) == (previous == BEGINNING)


@given(ITEMS)
def test_a_chain_is_read_back_as_it_was(items: list[Item]) -> None:
    """Names of any characters survive the file."""
    assert from_lines(to_lines(forge(items))) == forge(items)


@pytest.mark.parametrize("content", [b"[]\n", b"{}\n", b"\xff\n", b"not json\n", b'{"kind": 1}\n'])
def test_what_is_no_chain_is_refused(content: bytes) -> None:
    """One message, whatever the file holds."""
    with pytest.raises(UserError, match="is no chain"):
        from_lines(content)


def test_no_item_is_what_came_before() -> None:
    """An empty chain adds nothing to the one before."""
    assert head((), previous=digest(b"before")) == digest(b"before")
