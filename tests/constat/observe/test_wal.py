"""A segment's pages: whose they are, in which order, and where they end."""

from __future__ import annotations

import hashlib

import pytest

from constat.observe import wal
from constat.observe.wal import PAGE, Run

SIZE = 8 * PAGE
START = 5 * SIZE


def page(number: int, *, timeline: int = 3, start: int = START) -> bytes:
    """One page as the server writes it."""
    header = bytes([0x10, 0xD1, 2, 0]) + timeline.to_bytes(4, "little") + (start + number * PAGE).to_bytes(8, "little")
    return (header + bytes(8) + (77).to_bytes(8, "little")).ljust(PAGE, b"x")


WHOLE = b"".join(page(number) for number in range(8))


def test_the_first_page_tells_whose_it_is() -> None:
    """Number and cluster stand in the first page."""
    seen = wal.content(WHOLE)

    assert (seen.is_wal, seen.number, seen.system, seen.torn_at) == (True, 5, "77", None)
    assert seen.digest == hashlib.sha1(WHOLE).hexdigest()  # noqa: S324 - the format's own choice


def test_pages_of_one_timeline_are_one_run() -> None:
    """Where a timeline begins inside a segment, a run ends."""
    seen = wal.content(b"".join(page(number, timeline=1 if number < 3 else 2) for number in range(8)))

    assert seen.runs == (
        Run(timeline=1, first=START, last=START + 2 * PAGE),
        Run(timeline=2, first=START + 3 * PAGE, last=START + 7 * PAGE),
    )


def test_what_follows_a_switch_is_the_end() -> None:
    """A segment that was handed over early is filled with zeros."""
    seen = wal.content(WHOLE[: 2 * PAGE] + bytes(SIZE - 2 * PAGE))

    assert (seen.torn_at, seen.runs[-1].last) == (None, START + PAGE)


@pytest.mark.parametrize(
    "middle",
    [bytes(PAGE), page(6), page(3, start=START - SIZE), b"y" * PAGE],
    ids=["zeros", "a page of elsewhere", "a page of a recycled segment", "no page"],
)
def test_a_segment_whose_pages_do_not_follow_each_other_is_torn(middle: bytes) -> None:
    """What was never written, or written over, is told by its page."""
    assert wal.content(WHOLE[: 3 * PAGE] + middle + WHOLE[4 * PAGE :]).torn_at == 3


@pytest.mark.parametrize("raw", [b"", b"short", bytes(SIZE), b"y" * SIZE], ids=["nothing", "short", "zeros", "noise"])
def test_what_has_no_page_is_no_wal(raw: bytes) -> None:
    """Bytes without a single header of a page are not taken for WAL."""
    assert not wal.content(raw).is_wal
