"""Strangers at the services: every operation that a service describes, at its own door and at the gateway, without a token."""

from __future__ import annotations

import contextlib
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Admission, Answer
from constat.observe import http
from constat.observe import objects as stores
from suites.security.approach import OK, PUBLIC, approached, named, required, twin
from suites.security.examples import example
from suites.security.strangers import web
from suites.security.strangers.buckets import remove

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import httpx

    from constat.judgement import Judgement
    from constat.observe.http import Reply, Route
    from suites.security.approach import Ground

# Operations that are everybody's, and why; one that a service opens beside these is a finding.
EVERYBODYS: Final = {
    ("POST", web.SIGN_IN): "where tokens come from; takes a password",
    ("GET", "/api/identity/jwks.json"): "the public keys that tokens are checked with",
    **{("GET", path): why for path, why in web.SERVICE.public.items()},
}
NOWHERE: Final = "leads nowhere"
REFUSALS: Final = frozenset({"http 401", "http 403", NOWHERE, PUBLIC})
_CLOSED: Final = frozenset({401, 403})
_CREATED, _TOO_MANY, _FAILED = 201, 429, 500
_PLACE: Final = re.compile(r"\{(\w+)\}")
_UUID: Final = "00000000-0000-4000-8000-000000000000"
# What makes something comes first, what removes it last.
_ORDER: Final = ("POST", "PUT", "GET", "HEAD", "OPTIONS", "PATCH", "DELETE")
_IMAGE: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True)
class Door:
    """A way to a service: directly, or by an entry point of the gateway; a tenant who may, and those who may not."""

    name: str
    known: httpx.Client
    strangers: Mapping[str, httpx.Client]


def judged(ground: Ground, service: str) -> Iterator[Judgement]:
    """Every operation of the service at every door; what the twins make of the tenant's own is removed afterwards."""
    with http.client(ground.ca, ground.stack.services[service]) as client:
        known = sorted(http.routes(client), key=lambda route: (_ORDER.index(route.method), route.path))
    token = _token(ground)
    for name, base in _ways(ground, service).items():
        with _opened(ground, name, base, token) as door:
            places = {"name": "constat.png"}
            try:
                for route in known:
                    yield approached(f"{name} {route.method} {route.path}", functools.partial(approach, ground, door, route, places))
            finally:
                _remove(ground, door, known, places)


def approach(ground: Ground, door: Door, route: Route, places: dict[str, str]) -> Iterable[Admission]:
    """One operation at one door, by every kind of stranger; the twin is the tenant, with the same request."""
    subject = f"{door.name} {route.method} {route.path}"
    if route.public:
        return [_admission(f"{subject}: no token", Answer(kind=OK), functools.partial(_everybodys, door, ground, route, places))]
    reply = _send(door.known, route, places)
    if route.method == "POST" and reply.status == _CREATED:
        places.setdefault("id", str(reply.json()["id"]))
    known = judge_twin(reply, _nowhere(door.known))
    return [
        _admission(f"{subject}: {who}", known, functools.partial(_stranger, client, ground, route, places, leads=known.shown != NOWHERE))
        for who, client in door.strangers.items()
    ]


def judge_twin(reply: Reply, nowhere: Reply) -> Answer:
    """The tenant is past the door unless it is closed; a path that leads nowhere is closed to everybody in the same way."""
    if _is_same(reply, nowhere):
        return Answer(kind=OK, shown=NOWHERE)
    is_in = reply.status not in {*_CLOSED, _TOO_MANY} and reply.status < _FAILED
    return Answer(kind=OK if is_in else f"http {reply.status}", shown=f"{reply.status} {reply.text[:200]}")


def judge_stranger(reply: Reply, nowhere: Reply, *, leads: bool, shows_private: bool) -> Answer:
    """A stranger is kept out only by the demand for a token; not finding a thing is told to those who are in."""
    if not leads and _is_same(reply, nowhere):
        return Answer(kind=NOWHERE)
    is_out = reply.status in _CLOSED and not shows_private
    return Answer(kind=f"http {reply.status}" if is_out else OK, shown=f"{reply.status} {reply.text[:200]}")


def _token(ground: Ground) -> str:
    """The tenant's; with an empty one the tenant is kept out, and each operation says so."""
    known = twin(lambda: Answer(kind=OK, shown=web.sign_in(ground.stack, ground.ca, ground.tenant)))
    return known.shown if known.kind == OK else ""


def _ways(ground: Ground, service: str) -> dict[str, str]:
    stack = ground.stack
    entries = [listener for listener in stack.listeners if listener.node in web.gateway_nodes(stack) and listener.tls]
    through = {f"{named(entry)} to {service}": web.url(entry) for entry in entries}
    return {service: stack.services[service]} | (through or ({f"gateway to {service}": stack.gateway.url} if stack.gateway else {}))


@contextlib.contextmanager
def _opened(ground: Ground, name: str, base: str, token: str) -> Iterator[Door]:
    tenant = required(ground.stack.tenants.get(ground.tenant), "tenant")
    claims = {"X-Tenant-ID": ground.tenant, "X-Organization-ID": tenant.organization_id, "X-Tenant-Plan": tenant.plan}
    headers = {"no token": {}, "a tenant's name": claims, "a made-up token": {"Authorization": "Bearer e30.e30.e30"}}
    with contextlib.ExitStack() as opened:
        yield Door(
            name=name,
            known=opened.enter_context(http.client(ground.ca, base, headers={"Authorization": f"Bearer {token}"})),
            strangers={who: opened.enter_context(http.client(ground.ca, base, headers=said)) for who, said in headers.items()},
        )


def _admission(subject: str, known: Answer, act: functools.partial[Answer]) -> Admission:
    return Admission(subject=subject, refusals=REFUSALS, authorised=lambda: known, unauthorised=act)


def _stranger(client: httpx.Client, ground: Ground, route: Route, places: dict[str, str], *, leads: bool) -> Answer:
    reply = _send(client, route, places)
    return judge_stranger(reply, _nowhere(client), leads=leads, shows_private=ground.shows_private(reply.text))


def _everybodys(door: Door, ground: Ground, route: Route, places: dict[str, str]) -> Answer:
    """An operation that the service itself gives to everybody: it must be one that is known to be."""
    if (route.method, route.path) not in EVERYBODYS:
        return Answer(kind=OK, shown="the service asks nobody who they are there, and nobody has said why")
    if route.method != "GET":
        return Answer(kind=PUBLIC)
    answer = web.seen(ground, _send(door.strangers["no token"], route, places), public=True)
    return answer if answer.kind == OK else Answer(kind=PUBLIC, shown=answer.shown)


def _send(client: httpx.Client, route: Route, places: Mapping[str, str]) -> Reply:
    """The route's request, with the smallest values that its description allows."""
    path = _PLACE.sub(lambda match: places.get(match[1], _UUID), route.path)
    params = {
        parameter["name"]: str(example(parameter.get("schema", {}), route.schemas))
        for parameter in route.operation.get("parameters", ())
        if parameter.get("in") == "query" and parameter.get("required")
    }
    media: dict[str, Any] = route.operation.get("requestBody", {}).get("content", {})
    if "application/json" in media:
        value = example(media["application/json"].get("schema", {}), route.schemas)
        return http.ask(client, route.method, path, value=value, params=params or None)
    headers = {"Content-Type": "image/png"} if media else None
    return http.ask(client, route.method, path, content=_IMAGE if media else None, headers=headers, params=params or None)


def _nowhere(client: httpx.Client) -> Reply:
    return http.ask(client, "GET", web.NOWHERE)


def _is_same(reply: Reply, other: Reply) -> bool:
    return (reply.status, reply.body) == (other.status, other.body)


def _remove(ground: Ground, door: Door, routes: Iterable[Route], places: dict[str, str]) -> None:
    """Delete what a twin has made, should its own deletion not have come to that; the store keeps versions, which go too."""
    if "id" not in places:
        return
    for route in routes:
        if route.method == "DELETE" and route.path.endswith("{id}"):
            _send(door.known, route, places)
    if (objects := ground.stack.objects) is not None:
        for bucket in objects.buckets:
            for version in stores.stored(objects, bucket, f"{ground.tenant}/properties/{places['id']}/"):
                remove(objects, bucket, version.key)
