"""What is in a WAL segment, from its bytes: of which cluster, which place, and whether its pages follow each other."""

from __future__ import annotations

import hashlib
import itertools
import struct
from dataclasses import dataclass
from typing import Final

PAGE: Final = 8192
# The first page's header goes on with the cluster's identifier; PostgreSQL's xlog_internal.h.
_PAGE: Final = struct.Struct("<HHIQ")  # magic, flags, timeline, the page's own address
_SYSTEM: Final = slice(24, 32)
_MAGIC: Final = range(0xD100, 0xD120)  # PostgreSQL 10 to 18


@dataclass(frozen=True, kw_only=True)
class Run:
    """Pages beside each other that were written on one timeline; addresses in bytes since the cluster was made."""

    timeline: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is in an archived segment."""

    digest: str
    is_wal: bool
    system: str  # as the first page says
    number: int  # likewise
    runs: tuple[Run, ...] = ()
    torn_at: int | None = None  # the first page that is neither the next one nor followed by zeros alone


def content(wal: bytes) -> Content:
    """Read a segment's pages; a pure function."""
    headers = _headers(wal)
    address = headers[0][3] if headers else 0
    written = _written(headers)
    end = written * PAGE
    return Content(
        digest=hashlib.sha1(wal, usedforsecurity=False).hexdigest(),
        is_wal=written > 0,
        system=str(int.from_bytes(wal[_SYSTEM], "little")),
        number=address // len(wal) if wal else 0,
        runs=tuple(_runs(headers[:written])),
        # What follows a switch is zeros to the segment's end.
        torn_at=None if wal.count(0, end) == len(wal) - end else written,
    )


def _headers(wal: bytes) -> list[tuple[int, int, int, int]]:
    return [_PAGE.unpack_from(wal, start) for start in range(0, len(wal) - _PAGE.size + 1, PAGE)]


def _written(headers: list[tuple[int, int, int, int]]) -> int:
    """How many pages follow each other from the first one on."""
    start = headers[0][3] if headers else 0
    expected = zip(headers, itertools.count(start, PAGE), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0][0] in _MAGIC and pair[0][3] == pair[1], expected))


def _runs(headers: list[tuple[int, int, int, int]]) -> list[Run]:
    return [
        Run(timeline=timeline, first=pages[0], last=pages[-1])
        for timeline, group in itertools.groupby(headers, key=lambda header: header[2])
        if (pages := [header[3] for header in group])
    ]
