"""How a client can point at what is another tenant's: its ids in path, query and body, by every verb, by odd paths."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, Final

from suites.tenancy.gateway.naming import replaced
from suites.tenancy.gateway.routes import collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.naming import Variation
    from suites.tenancy.gateway.request import Request
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way

VERBS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "COPY", "MOVE", "PROPFIND")
OVERRIDES: Final = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
_IDS: Final = ("id", "ids", "id[]", "uuid", "ref")


def aimed(way: Way, base: Request, whose: Resident) -> Request:
    """The request with every place filled with what is theirs."""
    return _placed(way, base, whose, way.place_names)


def places(way: Way, base: Request, whose: Resident) -> Iterator[Variation]:
    """Their ids in the path: each place by itself, then several, then all."""
    names = way.place_names
    for count in range(1, len(names) + 1):
        for chosen in itertools.combinations(names, count):
            yield f"path with their {' and '.join(chosen)}", _placed(way, base, whose, chosen)


def queries(way: Way, base: Request, me: Resident, whose: Resident) -> Iterator[Variation]:
    """Their ids in the query: where parameters are described, and where somebody may have forgotten to."""
    ids, swap = _ids(whose), dict(zip(me.names, whose.names, strict=False))
    if any(value in swap for _, value in base.query):
        yield (
            "query with theirs for mine",
            dataclasses.replace(base, query=tuple((name, swap.get(value, value)) for name, value in base.query)),
        )
    for name in way.query_names:
        if name in whose.told:
            rest = tuple(pair for pair in base.query if pair[0] != name)
            yield f"query {name} as they were told", dataclasses.replace(base, query=(*rest, (name, whose.told[name])))
    for name, value in itertools.product((*_IDS, *sorted({place for _, place in whose.places})), ids[:1]):
        yield f"query {name}", dataclasses.replace(base, query=(*base.query, (name, value)))
    if ids:
        yield "query ids as a list", dataclasses.replace(base, query=(*base.query, ("ids", ",".join(ids))))


def bodies(base: Request, me: Resident, whose: Resident) -> Iterator[Variation]:
    """Their ids in the body: in the place of one's own, beside it, nested, and many at once."""
    if base.body is None:
        return
    for value, other in zip(me.names, whose.names, strict=False):
        if (changed := replaced(base.body, value, other)) != base.body:
            yield f"body with theirs for {value!r}", dataclasses.replace(base, body=changed)
    ids = _ids(whose)
    if not isinstance(base.body, dict) or not ids:
        return
    for extra in ({"id": ids[0]}, {"ids": ids}, {"parent_id": ids[0]}, {"items": [{"id": ids[0]}]}, {"id": {"$in": ids}}):
        yield f"body with {_shape(extra)}", dataclasses.replace(base, body=base.body | extra)
    yield "body as a list", dataclasses.replace(base, body=[base.body, base.body | {"id": ids[0]}])
    yield "body as a batch", dataclasses.replace(base, body={"items": [base.body | {"id": identifier} for identifier in ids]})


def texts(base: Request, me: Resident, whose: Resident) -> Iterator[Variation]:
    """A text that they have used, in the same field: where a key is everybody's, it tells that it is taken."""
    for name, value in base.body.items() if isinstance(base.body, dict) else ():
        if isinstance(value, str) and value.startswith(me.canary) and name in whose.handles:
            yield f"body with their {name}", dataclasses.replace(base, body=base.body | {name: whose.handles[name]})


def verbs(way: Way, base: Request, whose: Resident, described: frozenset[str]) -> Iterator[Variation]:
    """Verbs that nobody has described, and described ones in disguise, at what is theirs."""
    target = aimed(way, base, whose)
    for verb in VERBS:
        if verb not in described:
            yield f"{verb} that is not described", dataclasses.replace(target, method=verb)
    for name, verb in itertools.product(OVERRIDES, ("DELETE", "PUT", "GET")):
        for carrier in {"POST", "GET"} - {verb}:
            changed = dataclasses.replace(target, method=carrier, headers=((name, verb),))
            yield f"{carrier} with {name}: {verb}", changed
    yield "POST with _method=DELETE", dataclasses.replace(target, method="POST", query=(("_method", "DELETE"),))


def paths(way: Way, base: Request, whose: Resident, public: tuple[str, ...]) -> Iterator[Variation]:
    """Their path in spellings that one server may read differently from the next; `public` paths let everybody in."""
    plain = aimed(way, base, whose).line
    head, _, tail = plain.rpartition("/")
    first, _, rest = plain.lstrip("/").partition("/")
    spelled = {
        "double slash": f"/{plain}",
        "double slash inside": f"{head}//{tail}",
        "dot": f"{head}/./{tail}",
        "there and back": f"{head}/x/../{tail}",
        "encoded dots": f"{head}/x/%2e%2e/{tail}",
        "encoded slash": f"{head}%2f{tail}",
        "encoded slash and dots": f"{head}/x%2f..%2f{tail}",
        "capitals": f"/{first.upper()}/{rest}",
        "trailing slash": f"{plain}/",
        "trailing dot": f"{plain}/.",
        "path parameter": f"{plain};organization_id={whose.organization_id}",
        "path parameter inside": f"/{first};x=1/{rest}",
        "backslash": f"{head}\\{tail}",
        "encoded letter": f"/%{ord(first[:1] or 'a'):02x}{first[1:]}/{rest}",
        "null": f"{plain}%00",
        "extension": f"{plain}.json",
        "absolute": f"https://{whose.tenant}.viridial{plain}",
        "fragment": f"{plain}%23",
    }
    for open_path in public:
        spelled[f"through {open_path}"] = f"{open_path}/..{plain}"
        spelled[f"through {open_path}, encoded"] = f"{open_path}/%2e%2e{plain}"
    for how, target in spelled.items():
        yield f"path as {how}", dataclasses.replace(base, target=target)


def _placed(way: Way, base: Request, whose: Resident, chosen: tuple[str, ...]) -> Request:
    values = {name: whose.places.get((collection(way.path, name), name), base.places[name]) for name in chosen}
    return dataclasses.replace(base, places={**base.places, **values})


def _ids(whose: Resident) -> list[str]:
    return list(dict.fromkeys(whose.places.values()))


def _shape(extra: dict[str, Any]) -> str:
    return next(iter(extra)) + ("" if isinstance(next(iter(extra.values())), str) else " as many")
