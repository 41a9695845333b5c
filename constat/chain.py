"""A hash chain: each link vouches for itself and for everything before it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

# What the first link of a first chain follows.
BEGINNING: Final = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something to be vouched for: a finding by its place, or a file by its path."""

    kind: str
    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Link:
    """An item in its place; `head` is the digest over the link before it and the item, in hexadecimal."""

    item: Item
    head: str


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def forge(items: Iterable[Item], *, previous: str = BEGINNING) -> tuple[Link, ...]:
    """Chain the items in their order, from the head of an earlier chain on; a pure function."""
    links: list[Link] = []
    for item in items:
        links.append(Link(item=item, head=_head(links[-1].head if links else previous, item)))
    return tuple(links)


def head(links: tuple[Link, ...], *, previous: str = BEGINNING) -> str:
    """The digest that stands for the whole chain; of no link at all, what it would have followed."""
    return links[-1].head if links else previous


def to_lines(links: Iterable[Link]) -> bytes:
    """One JSON object a link."""
    return "".join(f"{json.dumps({**asdict(link.item), 'head': link.head}, sort_keys=True)}\n" for link in links).encode()


def from_lines(content: bytes) -> tuple[Link, ...]:
    """Read a chain back; raises UserError for anything that is not one.  Whether its heads are right is not looked at."""
    try:
        rows = [json.loads(line) for line in content.decode("utf-8").splitlines()]
        return tuple(Link(item=Item(kind=row["kind"], name=row["name"], sha256=row["sha256"]), head=row["head"]) for row in rows)
    except (ValueError, KeyError, TypeError) as problem:
        msg = f"this is no chain ({problem!r}), expected one link a line; take the evidence from where it was published"
        raise UserError(msg) from None


def _head(previous: str, item: Item) -> str:
    # JSON keeps the fields apart, so that no two items are spelled alike.
    return digest(json.dumps([previous, item.kind, item.name, item.sha256]).encode())
