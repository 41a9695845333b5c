"""Search: PostgreSQL full text over the tenant's own properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, LiteralString
from uuid import UUID  # noqa: TC003 - msgspec reads annotations at run time

import msgspec
from msgspec import Meta

from provision.platform.services.answer import Answer, json
from provision.platform.services.application import Service
from provision.platform.services.database import Database
from provision.platform.services.fetched import FetchedKeys
from provision.platform.services.operation import Call, Operation
from provision.platform.services.tokens import Verifier

if TYPE_CHECKING:
    from provision.platform.services.settings import SearchSettings

_CONNECTIONS: Final = 4
_SEARCH: Final[LiteralString] = """
    SELECT id, title, city, ts_rank(search, asked)::float8 AS rank
    FROM properties, websearch_to_tsquery('simple', %(q)s) AS asked
    WHERE search @@ asked ORDER BY rank DESC, id LIMIT %(limit)s"""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for, as people type it: words, "phrases", or, -not."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Hit(msgspec.Struct, frozen=True):
    """A property that matches, and how well."""

    id: UUID
    title: str
    city: str
    rank: float


class Hits(msgspec.Struct, frozen=True):
    """What was found, best first."""

    items: list[Hit]


class Finder:
    """The operation."""

    def __init__(self, database: Database) -> None:
        """Take where the properties are."""
        self._database = database

    async def search(self, call: Call[Question]) -> Answer:
        """Find properties of the caller's tenant."""
        values = {"q": call.input.q, "limit": call.input.limit}
        return json(Hits(await self._database.fetch(call.caller.organization_id, _SEARCH, values, row=Hit)))


def service(settings: SearchSettings) -> Service:
    """Put search together."""
    keys = FetchedKeys(settings.trust.jwks_url, settings.ca)
    database = Database(settings.database, connections=_CONNECTIONS)
    searching = Operation(
        method="GET",
        path="/api/search",
        summary="Search the tenant's properties.",
        handler=Finder(database).search,
        accepts=Question,
        answers=Hits,
    )
    return Service(
        name="search",
        operations=(searching,),
        dependencies=(keys, database),
        verifier=Verifier(keys, issuer=settings.trust.issuer, audience=settings.trust.audience),
    )
