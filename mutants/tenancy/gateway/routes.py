"""Services that let a client point at, or name, what is another tenant's."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_AGREE: Final = "        presented.agree(said, caller)\n        return caller, said.media_type"
_FIELD: Final = "    reference: Annotated[str, Meta(min_length=1, max_length=100)] | None = None\n\n\nclass Property("
_ROWS: Final = "def _operations(properties: Properties) -> tuple[Operation[Any], ...]:\n    return (\n"
_FEED: Final = '''
class Feed(msgspec.Struct, frozen=True):
    """Whose feed a portal asks for."""

    organization_id: UUID


async def _feed(properties: Properties, call: Call[Feed]) -> Answer:
    page = Page(limit=10)
    return json(await properties._database.fetch(call.input.organization_id, listing.QUERY, _values(page), row=Listed))


def _operations(properties: Properties) -> tuple[Operation[Any], ...]:
    async def feed(call: Call[Feed]) -> Answer:
        return await _feed(properties, call)

    return (
        Operation(method="GET", path="/api/properties/feed", summary="For portals.", handler=feed, accepts=Feed, public=True),
'''

_EXPORT: Final = """    if service.name == "property":
        database = next(part for part in service.dependencies if part.name == "database")

        async def export(request):
            import uuid
            from starlette.responses import Response
            from provision.platform.services import listing
            organization = uuid.UUID(request.path_params["organization"])
            found = await database.fetch(organization, listing.QUERY, listing.values(listing.Page()), row=listing.Listed)
            return Response(encode(found), media_type="application/json")

        routes.insert(0, Route("/api/properties/export/{organization}", export))
"""

MUTANTS: Final = (
    released(
        "MUT-TEN-API-50",
        "an export for one customer was left in a service, and no description has it",
        service="property",
        changes=(Change(file="application.py", before="    return Router(routes,", after=f"{_EXPORT}    return Router(routes,"),),
        controls=("TEN-API-01",),
    ),
    released(
        "MUT-TEN-API-01",
        "a service takes the organization from the header, which the gateway was said to set",
        service="property",
        changes=(
            Change(
                file="application.py",
                before=_AGREE,
                after="        if said.tenancy[1]:\n"
                '            caller = msgspec.structs.replace(caller, organization_id=__import__("uuid").UUID(said.tenancy[1].decode()))\n'
                "        return caller, said.media_type",
            ),
        ),
        controls=("TEN-API-02",),
    ),
    released(
        "MUT-TEN-API-02",
        "images are fetched by their path, without the lookup that says whose they are",
        service="property",
        changes=(
            Change(
                file="images.py",
                before='    return f"{caller.tenant}/properties/{property_id}/{name}"',
                after='    return f"properties/{property_id}/{name}"',
            ),
            Change(
                file="images.py",
                before="        if not found:\n            raise not_found()\n"
                "        return Answer(200, await self._objects.get(key), found[0].content_type.encode())",
                after='        return Answer(200, await self._objects.get(key), found[0].content_type.encode() if found else b"image/png")',
            ),
        ),
        controls=("TEN-API-01",),
    ),
    released(
        "MUT-TEN-API-03",
        "a feed for portals takes the organization from the query, and asks nobody for a token",
        service="property",
        changes=(Change(file="property.py", before=_ROWS, after=_FEED),),
        controls=("TEN-API-01",),
    ),
    released(
        "MUT-TEN-API-04",
        "a draft may say for which organization it is, for the import tool",
        service="property",
        changes=(
            Change(
                file="property.py",
                before=_FIELD,
                after=_FIELD.replace("\n\n\nclass", "\n    organization_id: UUID | None = None\n\n\nclass"),
            ),
            Change(
                file="property.py",
                before='        values = {"organization": call.caller.organization_id, **msgspec.structs.asdict(call.input)}\n'
                "        created = await self._database.fetch(call.caller.organization_id, _CREATE, values, row=Property)",
                after="        whose = call.input.organization_id or call.caller.organization_id\n"
                '        values = {"organization": whose, **msgspec.structs.asdict(call.input)}\n'
                "        created = await self._database.fetch(whose, _CREATE, values, row=Property)",
            ),
        ),
        controls=("TEN-API-02",),
    ),
    released(
        "MUT-TEN-API-05",
        "what is another tenant's is answered 403, because a clear message helps support",
        service="property",
        changes=(
            Change(
                file="property.py",
                before="        if not found:\n            raise not_found()\n        return found[0]",
                after="        if not found:\n"
                '            raise Problem(403, "it is another tenant\'s") if values.get("id") in self._seen else not_found()\n'
                "        self._seen.add(found[0].id)\n"
                "        return found[0]",
            ),
            Change(
                file="property.py",
                before="        self._images = images\n",
                after="        self._images = images\n        self._seen: set[UUID] = set()\n",
            ),
        ),
        controls=("TEN-API-01",),
    ),
    released(
        "MUT-TEN-API-06",
        "the listing takes an organization as a filter, for the support team's console",
        service="property",
        changes=(
            Change(
                file="listing.py",
                before='    after: Annotated[str, Meta(pattern=r"^[0-9]{1,16}_[0-9a-f-]{36}$")] | None = None\n',
                after='    after: Annotated[str, Meta(pattern=r"^[0-9]{1,16}_[0-9a-f-]{36}$")] | None = None\n'
                "    organization_id: UUID | None = None\n",
            ),
            Change(
                file="property.py",
                before="        items = await self._database.fetch(caller.organization_id, listing.QUERY",
                after="        items = await self._database.fetch(page.organization_id or caller.organization_id, listing.QUERY",
            ),
            Change(
                file="property.py",
                before="""        name = f"{page.limit}:{page.after or ''}\"""",
                after="""        name = f"{page.limit}:{page.after or ''}:{page.organization_id}\"""",
            ),
        ),
        controls=("TEN-API-02",),
    ),
    released(
        "MUT-TEN-API-52",
        "an event goes to the tenant that its own detail names, for agencies that work for others",
        service="property",
        changes=(
            Change(
                file="property.py",
                before="        return json(await self._outbox.publish(call.caller, call.input.verb, found.id, call.input.detail), 202)",
                after='        tenant = str(call.input.detail.get("tenant", call.caller.tenant))\n'
                "        whose = msgspec.structs.replace(call.caller, tenant=tenant)\n"
                "        return json(await self._outbox.publish(whose, call.input.verb, found.id, call.input.detail), 202)",
            ),
        ),
        controls=("TEN-API-02",),
    ),
)
