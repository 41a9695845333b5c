"""Strangers at the services: every operation that a service describes, at its own door and at the gateway, without a token."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Admission, Answer
from constat.observe import http
from constat.observe import objects as stores
from suites.security.approach import OK, PUBLIC, approached, named, required
from suites.security.examples import example
from suites.security.strangers import web
from suites.security.strangers.buckets import remove

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
REFUSALS: Final = frozenset({"http 401", "http 403", "leads nowhere", PUBLIC})
_CLOSED: Final = frozenset({401, 403})
_CREATED: Final = 201
_PLACE: Final = re.compile(r"\{(\w+)\}")
_NAME: Final = "constat.png"
_UUID: Final = "00000000-0000-4000-8000-000000000000"
# What makes something comes first, what removes it last.
_ORDER: Final = ("POST", "PUT", "GET", "HEAD", "OPTIONS", "PATCH", "DELETE")
# Who asks: nobody, nobody who says whose they are, and somebody with a token that nobody has issued.
_STRANGERS: Final = ("no token", "a tenant's name", "a made-up token")


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where a service is reached, directly or by an entry point of the gateway; and a tenant who may."""

    name: str
    base: str
    ca: str
    token: str = field(repr=False)
    tenant: str
    organization_id: str

    def known(self) -> httpx.Client:
        """Speak as the tenant."""
        return http.client(self.ca, self.base, headers={"Authorization": f"Bearer {self.token}"})

    def stranger(self, who: str) -> httpx.Client:
        """Speak as somebody who proves nothing."""
        headers = {
            "no token": {},
            "a tenant's name": {"X-Tenant-ID": self.tenant, "X-Organization-ID": self.organization_id, "X-Tenant-Plan": "test"},
            "a made-up token": {"Authorization": "Bearer e30.e30.e30"},
        }
        return http.client(self.ca, self.base, headers=headers[who])


def judged(ground: Ground, service: str) -> Iterator[Judgement]:
    """Every operation of the service at every door; what the twins make of the tenant's own is removed afterwards."""
    with http.client(ground.ca, ground.stack.services[service]) as client:
        known = sorted(http.routes(client), key=lambda route: (_ORDER.index(route.method), route.path))
    for door in doors(ground, service):
        places = {"name": _NAME}
        try:
            for route in known:
                yield approached(f"{door.name} {route.method} {route.path}", functools.partial(approach, ground, door, route, places))
        finally:
            _remove(ground, door, known, places)


def doors(ground: Ground, service: str) -> tuple[Door, ...]:
    """Every way to the service; Unobservable without a tenant who may."""
    stack = ground.stack
    tenant = required(stack.tenants.get(ground.tenant), "tenant")
    token = web.sign_in(stack, ground.ca, ground.tenant)
    entries = [listener for listener in stack.listeners if listener.node in web.gateway_nodes(stack) and listener.tls]
    ways = {service: stack.services[service]} | {f"{named(entry)} to {service}": web.url(entry) for entry in entries}
    return tuple(
        Door(name=name, base=base, ca=ground.ca, token=token, tenant=ground.tenant, organization_id=tenant.organization_id)
        for name, base in ways.items()
    )


def approach(ground: Ground, door: Door, route: Route, places: dict[str, str]) -> Iterable[Admission]:
    """One operation at one door, by every kind of stranger; the twin is the tenant, with the same request."""
    subject = f"{door.name} {route.method} {route.path}"
    if route.public:
        return [_admission(f"{subject}: no token", Answer(kind=OK), functools.partial(_everybodys, ground, door, route, places))]
    with door.known() as client:
        reply, nowhere = _send(client, route, places), _nowhere(client)
    if route.method == "POST" and reply.status == _CREATED:
        places.setdefault("id", str(reply.json()["id"]))
    twin = _twin(reply, nowhere)
    return [
        _admission(f"{subject}: {who}", twin, functools.partial(_stranger, door.stranger(who), ground, route, places, twin=twin))
        for who in _STRANGERS
    ]


def _admission(subject: str, twin: Answer, act: functools.partial[Answer]) -> Admission:
    return Admission(subject=subject, refusals=REFUSALS, authorised=lambda: twin, unauthorised=act)


def _twin(reply: Reply, nowhere: tuple[int, str]) -> Answer:
    """The tenant is past the door unless it is closed; a path that leads nowhere is closed to everybody in the same way."""
    if (reply.status, reply.text) == nowhere:
        return Answer(kind=OK, shown="leads nowhere")
    is_in = reply.status not in _CLOSED and reply.status < 500 and reply.status != 429  # noqa: PLR2004 - failures, and too many requests
    return Answer(kind=OK if is_in else f"http {reply.status}", shown=f"{reply.status} {reply.text[:200]}")


def _stranger(client: httpx.Client, ground: Ground, route: Route, places: dict[str, str], *, twin: Answer) -> Answer:
    with client:
        reply = _send(client, route, places)
        if twin.shown == "leads nowhere" and (reply.status, reply.text) == _nowhere(client):
            return Answer(kind="leads nowhere")
    if ground.shows_private(reply.text) or reply.status not in _CLOSED:
        return Answer(kind=OK, shown=f"{reply.status} {reply.text[:200]}")
    return Answer(kind=f"http {reply.status}", shown=reply.text[:200])


def _everybodys(ground: Ground, door: Door, route: Route, places: dict[str, str]) -> Answer:
    """An operation that the service itself gives to everybody: it must be one that is known to be."""
    if (route.method, route.path) not in EVERYBODYS:
        return Answer(kind=OK, shown="the service asks nobody who they are there, and nobody has said why")
    if route.method != "GET":
        return Answer(kind=PUBLIC)
    with door.stranger("no token") as client:
        answer = web.seen(ground, _send(client, route, places), public=True)
    return Answer(kind=PUBLIC, shown=answer.shown) if answer.kind != OK else answer


def _send(client: httpx.Client, route: Route, places: dict[str, str]) -> Reply:
    path = _PLACE.sub(lambda match: places.get(match[1], _UUID), route.path)
    params = {
        parameter["name"]: str(example(parameter.get("schema", {}), route.schemas))
        for parameter in route.operation.get("parameters", ())
        if parameter.get("in") == "query" and parameter.get("required")
    }
    media = route.operation.get("requestBody", {}).get("content", {})
    if "application/json" in media:
        value: Any = example(media["application/json"].get("schema", {}), route.schemas)
        return http.ask(client, route.method, path, value=value, params=params or None)
    body = b"\x89PNG\r\n\x1a\n" if media else None
    headers = {"Content-Type": "image/png"} if media else None
    return http.ask(client, route.method, path, content=body, headers=headers, params=params or None)


def _nowhere(client: httpx.Client) -> tuple[int, str]:
    reply = http.ask(client, "GET", web.NOWHERE)
    return reply.status, reply.text


def _remove(ground: Ground, door: Door, routes: Iterable[Route], places: dict[str, str]) -> None:
    """Delete what a twin has made, should its own deletion not have come to that; the store keeps versions, which go too."""
    if "id" not in places:
        return
    for route in routes:
        if route.method == "DELETE" and route.path.endswith("{id}"):
            with door.known() as client:
                _send(client, route, places)
    if (objects := ground.stack.objects) is not None:
        for bucket in objects.buckets:
            for version in stores.stored(objects, bucket, f"{ground.tenant}/properties/{places['id']}/"):
                remove(objects, bucket, version.key)
