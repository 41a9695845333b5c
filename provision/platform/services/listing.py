"""Pages of a tenant's properties, newest first; where a page ends is said by its last property."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Final, LiteralString
from uuid import UUID

import msgspec
from msgspec import Meta

_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND: Final = datetime.timedelta(microseconds=1)

# The page comes first: images are counted for what is on it, not for all that the tenant has.
QUERY: Final[LiteralString] = """
    SELECT id, reference, title, city, price::float8 AS price, created_at,
        (SELECT count(*) FROM property_images AS image WHERE image.property_id = page.id) AS images
    FROM (
        SELECT id, reference, title, city, price, created_at FROM properties
        WHERE %(until)s::timestamptz IS NULL
            OR created_at <= %(until)s AND (created_at < %(until)s OR id > %(id)s)
        ORDER BY created_at DESC, id LIMIT %(limit)s
    ) AS page
    ORDER BY created_at DESC, id"""


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the listing: at most `limit` properties, those after where another page ended."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    after: Annotated[str, Meta(pattern=r"^[0-9]{1,16}_[0-9a-f-]{36}$")] | None = None


class Listed(msgspec.Struct, frozen=True):
    """A property in a listing, with the number of its images."""

    id: UUID
    reference: str | None
    title: str
    city: str
    price: float
    images: int
    created_at: datetime.datetime


class Listing(msgspec.Struct, frozen=True):
    """A page, and what to ask for `after` when there may be more."""

    items: list[Listed]
    after: str | None


def values(page: Page) -> dict[str, Any]:
    """What the query is asked with; ValueError when `after` names no id."""
    if page.after is None:
        return {"until": None, "id": None, "limit": page.limit}
    microseconds, _, last = page.after.partition("_")
    return {"until": _EPOCH + int(microseconds) * _MICROSECOND, "id": UUID(last), "limit": page.limit}


def listing(page: Page, items: list[Listed]) -> Listing:
    """The page's answer."""
    if len(items) < page.limit:
        return Listing(items, None)
    last = items[-1]
    return Listing(items, f"{(last.created_at - _EPOCH) // _MICROSECOND}_{last.id}")
