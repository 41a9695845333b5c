"""Images of properties: bytes in the object store below the tenant's name, a row of each in the database."""

from __future__ import annotations

import re
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, LiteralString

import msgspec

from provision.platform.services.answer import Answer, json
from provision.platform.services.operation import Call, Operation
from provision.platform.services.problem import Problem, not_found

if TYPE_CHECKING:
    from uuid import UUID

    from provision.platform.services.cache import Cache
    from provision.platform.services.database import Database
    from provision.platform.services.objects import Objects
    from provision.platform.services.tokens import Caller

_LIMIT: Final = 5 * 1024 * 1024
_MEDIA_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PATH: Final = "/api/properties/{id:uuid}/images/{name}"

_COLUMNS: Final[LiteralString] = "substring(object_key FROM '[^/]+$') AS name, content_type, bytes"
_OWNED: Final[LiteralString] = "SELECT id FROM properties WHERE id = %(property)s"
_RECORD: Final[LiteralString] = f"""
    INSERT INTO property_images (organization_id, property_id, object_key, content_type, bytes)
    VALUES (%(organization)s, %(property)s, %(key)s, %(content_type)s, %(bytes)s)
    ON CONFLICT (organization_id, object_key) DO UPDATE SET content_type = excluded.content_type, bytes = excluded.bytes
    RETURNING {_COLUMNS}"""  # noqa: S608 - made of constants
_FIND: Final[LiteralString] = f"SELECT {_COLUMNS} FROM property_images WHERE property_id = %(property)s AND object_key = %(key)s"  # noqa: S608 - likewise
_ALL: Final[LiteralString] = f"SELECT {_COLUMNS} FROM property_images WHERE property_id = %(property)s ORDER BY object_key"  # noqa: S608 - likewise


class Image(msgspec.Struct, frozen=True):
    """An image's name within its property, its media type, and its size."""

    name: str
    content_type: str
    bytes: int


class _Owned(msgspec.Struct, frozen=True):
    id: UUID


class Images:
    """The operations on images."""

    def __init__(self, database: Database, objects: Objects, cache: Cache) -> None:
        """Take where the rows are, where the bytes are, and the listings that count images."""
        self._database = database
        self._objects = objects
        self._cache = cache

    async def put_image(self, call: Call[bytes]) -> Answer:
        """Store an image, or replace it."""
        caller, property_id = call.caller, call.path["id"]
        key = _key(caller, property_id, _name(call))
        if call.media_type not in _MEDIA_TYPES:
            raise Problem(415, f"an image is one of {', '.join(_MEDIA_TYPES)}")
        if not await self._database.fetch(caller.organization_id, _OWNED, {"property": property_id}, row=_Owned):
            raise not_found()
        await self._objects.put(key, call.input, call.media_type)
        row = {
            "organization": caller.organization_id,
            "property": property_id,
            "key": key,
            "content_type": call.media_type,
            "bytes": len(call.input),
        }
        recorded = await self._database.fetch(caller.organization_id, _RECORD, row, row=Image)
        await self._cache.end_generation(caller.tenant)
        return json(recorded[0], 201)

    async def get_image(self, call: Call[None]) -> Answer:
        """Return an image's bytes."""
        caller, property_id = call.caller, call.path["id"]
        key = _key(caller, property_id, _name(call))
        found = await self._database.fetch(caller.organization_id, _FIND, {"property": property_id, "key": key}, row=Image)
        if not found:
            raise not_found()
        return Answer(200, await self._objects.get(key), found[0].content_type.encode())

    async def list_images(self, call: Call[None]) -> Answer:
        """List a property's images."""
        return json(await self._database.fetch(call.caller.organization_id, _ALL, {"property": call.path["id"]}, row=Image))

    async def remove_all(self, caller: Caller, property_id: UUID) -> None:
        """Remove the bytes of every image that the caller's property has; its rows go with the property."""
        for image in await self._database.fetch(caller.organization_id, _ALL, {"property": property_id}, row=Image):
            await self._objects.remove(_key(caller, property_id, image.name))


def image_operations(images: Images) -> tuple[Operation[Any], ...]:
    """The rows of the table for images."""
    return (
        Operation(
            method="PUT",
            path=_PATH,
            summary="Store an image, or replace it.",
            handler=images.put_image,
            accepts=bytes,
            answers=Image,
            status=201,
            limit=_LIMIT,
        ),
        Operation(method="GET", path=_PATH, summary="An image's bytes.", handler=images.get_image, accepts=NoneType, answers=bytes),
        Operation(
            method="GET",
            path="/api/properties/{id:uuid}/images",
            summary="A property's images.",
            handler=images.list_images,
            accepts=NoneType,
            answers=list[Image],
        ),
    )


def _name(call: Call[Any]) -> str:
    name: str = call.path["name"]
    if not _NAME.fullmatch(name):
        raise Problem(422, "an image's name has letters, digits, dots, dashes and underscores, and begins with a letter or digit")
    return name


def _key(caller: Caller, property_id: UUID, name: str) -> str:
    return f"{caller.tenant}/properties/{property_id}/{name}"
