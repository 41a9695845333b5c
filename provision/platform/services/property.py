"""Property: records under row level security, listings through the cache, events on the broker."""

from __future__ import annotations

import asyncio
import datetime  # noqa: TC003 - msgspec reads annotations at run time
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, LiteralString
from uuid import UUID  # noqa: TC003 - likewise

import msgspec
from msgspec import Meta

from provision.platform.services import listing
from provision.platform.services.answer import Answer, encode, json
from provision.platform.services.application import Service
from provision.platform.services.broker import Broker
from provision.platform.services.cache import Cache
from provision.platform.services.database import Database
from provision.platform.services.fetched import FetchedKeys
from provision.platform.services.images import Images, image_operations
from provision.platform.services.listing import Listed, Listing, Page
from provision.platform.services.objects import Objects
from provision.platform.services.operation import Call, Operation
from provision.platform.services.outbox import Event, Outbox
from provision.platform.services.problem import Problem, not_found
from provision.platform.services.tokens import Verifier

if TYPE_CHECKING:
    from provision.platform.services.settings import PropertySettings
    from provision.platform.services.tokens import Caller

_CONNECTIONS: Final = 8
_ALL: Final = "/api/properties"
_ONE: Final = "/api/properties/{id:uuid}"

_COLUMNS: Final[LiteralString] = "id, reference, title, description, city, price::float8 AS price, created_at, updated_at"
_FIND: Final[LiteralString] = f"SELECT {_COLUMNS} FROM properties WHERE id = %(id)s"  # noqa: S608 - made of constants
_CREATE: Final[LiteralString] = f"""
    INSERT INTO properties (organization_id, reference, title, description, city, price)
    VALUES (%(organization)s, %(reference)s, %(title)s, %(description)s, %(city)s, %(price)s) RETURNING {_COLUMNS}"""  # noqa: S608 - likewise
_REPLACE: Final[LiteralString] = f"""
    UPDATE properties SET reference = %(reference)s, title = %(title)s, description = %(description)s, city = %(city)s,
        price = %(price)s, updated_at = now()
    WHERE id = %(id)s RETURNING {_COLUMNS}"""  # noqa: S608 - likewise
_REMOVE: Final[LiteralString] = f"DELETE FROM properties WHERE id = %(id)s RETURNING {_COLUMNS}"  # noqa: S608 - likewise


class Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says of a property; whose it is comes from the token alone."""

    title: Annotated[str, Meta(min_length=1, max_length=300)]
    city: Annotated[str, Meta(min_length=1, max_length=200)]
    price: Annotated[float, Meta(ge=0, lt=1e12)]
    description: Annotated[str, Meta(max_length=20_000)] = ""
    reference: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class Property(msgspec.Struct, frozen=True):
    """A property as the tenant's own people see it."""

    id: UUID
    reference: str | None
    title: str
    description: str
    city: str
    price: float
    created_at: datetime.datetime
    updated_at: datetime.datetime


class Happening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that a client reports."""

    verb: Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,31}$")]
    detail: dict[str, Any] = {}


class Properties:
    """The operations on properties."""

    def __init__(self, database: Database, cache: Cache, outbox: Outbox, images: Images) -> None:
        """Take where the records are, the listings, the events and the images."""
        self._database = database
        self._cache = cache
        self._outbox = outbox
        self._images = images

    async def list_properties(self, call: Call[Page]) -> Answer:
        """Answer from the cache when it has this page, else from the database."""
        caller, page = call.caller, call.input
        name = f"{page.limit}:{page.after or ''}"
        generation, kept = await self._cache.find(caller.tenant, name)
        if kept is not None:
            return Answer(200, kept)
        items = await self._database.fetch(caller.organization_id, listing.QUERY, _values(page), row=Listed)
        found = encode(listing.listing(page, items))
        if generation is not None:
            await self._cache.keep(caller.tenant, name, generation=generation, listing=found)
        return Answer(200, found)

    async def create_property(self, call: Call[Draft]) -> Answer:
        """Create, and say so on the broker."""
        values = {"organization": call.caller.organization_id, **msgspec.structs.asdict(call.input)}
        created = await self._database.fetch(call.caller.organization_id, _CREATE, values, row=Property)
        await self._changed(call.caller, "created", created[0].id)
        location = (b"location", f"{_ALL}/{created[0].id}".encode())
        return Answer(201, encode(created[0]), headers=(location,))

    async def get_property(self, call: Call[None]) -> Answer:
        """Return one property."""
        return json(await self._one(call.caller, _FIND, {"id": call.path["id"]}))

    async def replace_property(self, call: Call[Draft]) -> Answer:
        """Replace what is said of a property, and say so on the broker."""
        values = {"id": call.path["id"], **msgspec.structs.asdict(call.input)}
        replaced = await self._one(call.caller, _REPLACE, values)
        await self._changed(call.caller, "updated", replaced.id)
        return json(replaced)

    async def delete_property(self, call: Call[None]) -> Answer:
        """Delete a property and its images, bytes first: a failure half-way can be tried again."""
        await self._images.remove_all(call.caller, call.path["id"])
        removed = await self._one(call.caller, _REMOVE, {"id": call.path["id"]})
        await self._changed(call.caller, "deleted", removed.id)
        return Answer(204, b"")

    async def report_event(self, call: Call[Happening]) -> Answer:
        """Publish an event of a property; the answer means that the broker has it."""
        found = await self._one(call.caller, _FIND, {"id": call.path["id"]})
        return json(await self._outbox.publish(call.caller, call.input.verb, found.id, call.input.detail), 202)

    async def _one(self, caller: Caller, query: LiteralString, values: dict[str, Any]) -> Property:
        found = await self._database.fetch(caller.organization_id, query, values, row=Property)
        if not found:
            raise not_found()
        return found[0]

    async def _changed(self, caller: Caller, verb: str, property_id: UUID) -> None:
        await asyncio.gather(
            self._cache.end_generation(caller.tenant),
            self._outbox.publish_in_time(caller, verb, property_id),
        )


def _values(page: Page) -> dict[str, Any]:
    try:
        return listing.values(page)
    except ValueError:
        raise Problem(422, "`after` is not where a page ended") from None


def service(settings: PropertySettings) -> Service:
    """Put property together."""
    trust, store = settings.trust, settings.store
    keys = FetchedKeys(trust.jwks_url, settings.ca)
    database = Database(settings.database, connections=_CONNECTIONS)
    cache = Cache(settings.cache, settings.ca)
    broker = Broker(settings.events, settings.ca)
    outbox = Outbox(broker)
    objects = Objects(store, settings.ca)
    images = Images(database, objects, cache)
    return Service(
        name="property",
        operations=(*_operations(Properties(database, cache, outbox, images)), *image_operations(images)),
        dependencies=(keys, database, cache, broker, outbox, objects),
        verifier=Verifier(keys, issuer=trust.issuer, audience=trust.audience),
    )


def _operations(properties: Properties) -> tuple[Operation[Any], ...]:
    return (
        Operation(
            method="GET",
            path=_ALL,
            summary="The tenant's properties, page by page.",
            handler=properties.list_properties,
            accepts=Page,
            answers=Listing,
        ),
        Operation(
            method="POST",
            path=_ALL,
            summary="Create a property.",
            handler=properties.create_property,
            accepts=Draft,
            answers=Property,
            status=201,
        ),
        Operation(method="GET", path=_ONE, summary="A property.", handler=properties.get_property, accepts=NoneType, answers=Property),
        Operation(
            method="PUT",
            path=_ONE,
            summary="Replace what is said of a property.",
            handler=properties.replace_property,
            accepts=Draft,
            answers=Property,
        ),
        Operation(
            method="DELETE",
            path=_ONE,
            summary="Delete a property and its images.",
            handler=properties.delete_property,
            accepts=NoneType,
            status=204,
        ),
        Operation(
            method="POST",
            path=f"{_ONE}/events",
            summary="Report an event of a property.",
            handler=properties.report_event,
            accepts=Happening,
            answers=Event,
            status=202,
        ),
    )
