"""Every operation that the services describe, and the request by which a tenant uses it on what is its own."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.values import Unmakeable, filled, fits, number, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.observe.http import Route
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.values import Owner

PLACE: Final = re.compile(r"\{(\w+)\}")
# What looks comes first, what removes last: an attack that succeeds must not spoil those after it.
_ORDER: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# Bytes that pass for the kind of file that is asked for, by its usual first bytes.
_MEDIA: Final = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff\xe0",
    "application/pdf": b"%PDF-1.7\n",
    "text/plain": b"",
    "application/octet-stream": b"",
}
_PARAMETER_NAMES: Final = frozenset({"limit", "page_size", "per_page", "size"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Way:
    """An operation of a service."""

    service: str
    method: str
    path: str
    public: bool
    operation: Mapping[str, Any]
    schemas: Mapping[str, Any]

    def __str__(self) -> str:
        """As findings call it."""
        return f"{self.method} {self.path}"

    @property
    def place_names(self) -> tuple[str, ...]:
        """The places of its path, in order."""
        return tuple(PLACE.findall(self.path))

    @property
    def query_names(self) -> tuple[str, ...]:
        """Its query's parameters."""
        return tuple(part["name"] for part in self.operation.get("parameters", ()) if part.get("in") == "query")

    @property
    def media(self) -> Mapping[str, Any]:
        """The kinds of body that it takes."""
        media: Mapping[str, Any] = self.operation.get("requestBody", {}).get("content", {})
        return media

    @property
    def takes_something(self) -> bool:
        """Whether a client can say anything to it at all."""
        return bool(self.place_names or self.query_names or self.media)


@dataclass(frozen=True)
class Nameless:
    """A tenant whose words are names that tell nothing of it."""

    resident: Resident

    def word(self) -> str:
        """A name that nobody has used before."""
        return f"n{secrets.token_hex(10)}"

    @staticmethod
    def made(value: str) -> bool:
        """Whether it is such a name."""
        return re.fullmatch(r"n[0-9a-f]{20}", value) is not None

    def known(self, name: str, form: str) -> str | None:
        """What the tenant has for a field of that name."""
        return self.resident.known(name, form)


def collection(path: str, place: str) -> str:
    """The path of what a place's values are members of."""
    return path[: path.index(f"{{{place}}}")].rstrip("/")


def ways(service: str, routes: tuple[Route, ...]) -> tuple[Way, ...]:
    """The operations of a service in the order in which they are attacked."""
    found = [Way(service=service, method=r.method, path=r.path, public=r.public, operation=r.operation, schemas=r.schemas) for r in routes]
    return tuple(sorted(found, key=lambda way: (_ORDER.index(way.method) if way.method in _ORDER else len(_ORDER), way.path)))


def own(way: Way, resident: Resident, *, narrow: bool = False, owner: Owner | None = None) -> Request:
    """The request by which a tenant uses the operation on its own; raises Unmakeable when the description is not enough.

    With `narrow` a listing is asked for as little as it gives, so that it says how to go on; `owner` has other words.
    """
    places = {name: _place(way, name, resident) for name in way.place_names}
    query = tuple(_query(way, resident, narrow=narrow))
    if "application/json" in way.media:
        body = filled(way.media["application/json"].get("schema", {}), way.schemas, owner or resident)
        return Request(method=way.method, path=way.path, places=places, query=query, body=body)
    if not way.media:
        return Request(method=way.method, path=way.path, places=places, query=query)
    media = next((kind for kind in way.media if "*" not in kind), "image/png")
    content = _MEDIA.get(media, b"") + resident.word().encode()
    return Request(method=way.method, path=way.path, places=places, query=query, content=content, media=media)


def _place(way: Way, name: str, resident: Resident) -> str:
    key = (collection(way.path, name), name)
    if key not in resident.places:
        parts: list[Mapping[str, Any]] = way.operation.get("parameters", [])
        described = [part for part in parts if part["name"] == name and part.get("in") == "path"]
        schema: Mapping[str, Any] = described[0].get("schema", {}) if described else {}
        if schema.get("type") in {"integer", "number"} or schema.get("format") == "uuid":
            msg = f"nothing is known to be in {key[0]!r}, so no value fits {name!r}"
            raise Unmakeable(msg)
        # A name and no text: paths are written down in access logs, and nobody's data belongs in one.
        resident.places[key] = text(schema, Nameless(resident), name)
    return resident.places[key]


def _query(way: Way, resident: Resident, *, narrow: bool) -> list[tuple[str, str]]:
    made = []
    for part in way.operation.get("parameters", ()):
        name, schema = part["name"], part.get("schema", {})
        if part.get("in") != "query":
            continue
        if narrow and name in _PARAMETER_NAMES:
            made.append((name, str(number(schema))))
        elif part.get("required"):
            made.append((name, _asked(schema, resident, name)))
    return made


def _asked(schema: Mapping[str, Any], resident: Resident, name: str) -> str:
    """What is asked for is what the tenant has said before: an answer must show it."""
    if schema.get("type") in {"integer", "number"}:
        return str(number(schema))
    if resident.known(name, schema.get("format", "")) is None and resident.words and fits(resident.words[0], schema):
        return resident.words[0]
    return text(schema, resident, name)


def learn(way: Way, resident: Resident, request: Request, said: Any, *, all_ways: tuple[Way, ...]) -> None:
    """Keep what an answer tells of the tenant's own: ids, names, where a page ended."""
    items = said.get("items", [said]) if isinstance(said, dict) else said if isinstance(said, list) else []
    first = next((item for item in items if isinstance(item, dict)), {})
    for place in _members(way.path, all_ways):
        value = first.get(place, first.get("id"))
        if value is not None:
            resident.places.setdefault((way.path, place), str(value))
    if isinstance(said, dict):
        resident.told.update({name: said[name] for name in way.query_names if isinstance(said.get(name), str)})
    if isinstance(request.body, dict):
        # What was said last is what is there.
        resident.words[:0] = [value for value in request.body.values() if isinstance(value, str) and value.startswith(resident.canary)]


def _members(path: str, all_ways: tuple[Way, ...]) -> set[str]:
    """The names of the places that follow this path immediately."""
    return {names[0] for way in all_ways if way.path.startswith(f"{path}/{{") and (names := PLACE.findall(way.path[len(path) :]))}
