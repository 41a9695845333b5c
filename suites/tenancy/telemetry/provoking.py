"""Traffic that goes wrong in every way that a client can bring about, with the tenant's canary in everything that is said."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from suites.tenancy.gateway import attack
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.http import Reply
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage

AT_ONCE: Final = 4
_DEEP: Final = 2000


@dataclass(frozen=True, kw_only=True)
class Provoked:
    """What was said, and what was answered."""

    door: str
    request: Request
    reply: Reply


def provoked(stage: Stage) -> Iterator[Provoked]:
    """Every operation at every door, used well once and badly in every way."""
    pairs = [(way, door) for way in stage.ways if way.takes_something for door in stage.doors(way)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="provoking") as pool:
        for seen in pool.map(lambda pair: list(_provoked(stage, *pair)), pairs):
            yield from seen


def _provoked(stage: Stage, way: Way, door: Door) -> Iterator[Provoked]:
    for request, token in _badly(stage, way, is_direct=door is stage.direct[way.service]):
        with contextlib.suppress(Unobservable):  # a door may hang up on what is no HTTP; what it logs of it is looked at
            yield Provoked(door=door.name, request=request, reply=attack.refused(door, request, token))


def _badly(stage: Stage, way: Way, *, is_direct: bool) -> Iterator[tuple[Request, str | None]]:
    """What the gateway passes on as it is, a body or a query, goes wrong at the service alone."""
    me = stage.spare
    try:
        base = own(way, me)
    except Unmakeable:
        return
    token = None if way.public else me.token
    if way.method != "DELETE":
        yield base, token
    if way.method == "POST":
        yield base, token  # the same again: a key may refuse it
    said = (*_bodies(base, me), *_queries(base, me)) if is_direct else ()
    for request in (*said, *_places(base), *_headers(base, me)):
        yield request, token
    yield base, f"{me.token[:-4]}{me.canary[:4]}"
    yield dataclasses.replace(base, headers=(("Authorization", f"Bearer {me.canary}"),)), None


def _bodies(base: Request, me: Resident) -> Iterator[Request]:
    if base.body is None:
        return
    whole = f'{{"title": "{me.word()}", "password": "{me.canary}'
    for content in (whole.encode(), me.word().encode(), b"", b"[" * _DEEP, b"\xff\xfe" + me.canary.encode(), b'{"a":1e999}'):
        yield dataclasses.replace(base, body=None, content=content, media="application/json")
    yield dataclasses.replace(base, media="text/xml")
    for name in base.body if isinstance(base.body, dict) else ():
        for value in _values(me):
            yield dataclasses.replace(base, body=base.body | {name: value})
        yield dataclasses.replace(base, body={key: value for key, value in base.body.items() if key != name})


def _values(me: Resident) -> Iterator[Any]:
    yield from ({me.canary: me.canary}, [me.canary], -1, 1e300, None, True)
    yield from (f"{me.canary}'\"\\;--", f"{me.canary}\u0000", f"{me.canary}\ud800", me.canary * 2000)


def _queries(base: Request, me: Resident) -> Iterator[Request]:
    for name, _ in base.query:
        for value in (me.word(), f"{me.canary}'\"\\", f"{me.canary}\u0000", me.canary * 20, "", "-1", "1e309"):
            rest = tuple(pair for pair in base.query if pair[0] != name)
            yield dataclasses.replace(base, query=(*rest, (name, value)))
    yield dataclasses.replace(base, query=(*base.query, ("email", f"{me.canary}@example.org"), ("access_token", me.token)))


def _places(base: Request) -> Iterator[Request]:
    for name in base.places:
        for value in ("constat'\"\\", "..", "%00", "0", "constat" * 200):
            yield dataclasses.replace(base, places={**base.places, name: value})


def _headers(base: Request, me: Resident) -> Iterator[Request]:
    names = ("X-Request-ID", "User-Agent", "Referer", "Cookie", "X-Forwarded-For", "traceparent", "Accept-Language", "X-Tenant-ID")
    yield dataclasses.replace(base, headers=tuple((name, f"{me.canary}'\"<>") for name in names))


def failed_sign_ins(stage: Stage, door: Door, path: str) -> Iterator[Provoked]:
    """People mistype their password, or type it where the name belongs."""
    me = stage.spare
    for body in ({"user": me.user, "password": f"{me.canary}wrong"}, {"user": f"{me.canary}@example.org", "password": me.password}):
        request = Request(method="POST", path=path, body=body)
        yield Provoked(door=door.name, request=request, reply=attack.refused(door, request, None))
