"""What a broker's rights reach, as the server decides it."""

from __future__ import annotations

import pytest

from constat.observe.topology import Part, Right, Topology, _tags


@pytest.mark.parametrize(
    ("pattern", "name", "reaches"),
    [
        (r"^t1\.", "t1.events", True),
        (r"^t1\.", "t10.events", False),
        ("^t1", "t10.events", True),
        ("events", "t10.events", True),
        ("^$", "t1", False),
    ],
)
def test_a_pattern_is_searched_for_not_matched_whole(pattern: str, name: str, *, reaches: bool) -> None:
    """As the server does it: without an anchor it is found anywhere in the name."""
    right = Right(user="t1", vhost="one", configure="^$", write="^$", read=pattern)

    assert right.reaches(Part(kind="queue", vhost="one", name=name)) is reaches


def test_a_right_counts_in_its_own_virtual_host_only() -> None:
    """The same name elsewhere is another thing."""
    right = Right(user="t1", vhost="one", configure=".*", write=".*", read=".*")

    assert not right.reaches(Part(kind="queue", vhost="ten", name="t1.events"))


def test_parts_are_told_apart_by_kind_and_host() -> None:
    """An exchange of the same name is no queue."""
    parts = (
        Part(kind="queue", vhost="one", name="a"),
        Part(kind="exchange", vhost="one", name="b"),
        Part(kind="queue", vhost="ten", name="c"),
    )
    found = Topology(vhosts=("one", "ten"), parts=parts, rights=(), users=(), protocols=frozenset())

    assert found.within("one", "queue") == ("a",)


@pytest.mark.parametrize(
    ("said", "tags"), [("", set()), ("administrator,policymaker", {"administrator", "policymaker"}), (["monitoring"], {"monitoring"})]
)
def test_tags_are_read_in_both_spellings(said: object, tags: set[str]) -> None:
    """Older servers say them as one word, newer ones as a list."""
    assert _tags(said) == tags
