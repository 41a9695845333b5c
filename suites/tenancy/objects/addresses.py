"""Addresses that carry their signature: turned to something else, out of date, or made in another's name."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from suites.tenancy.campaign import Act
from suites.tenancy.objects.ground import answered
from suites.tenancy.objects.operations import ATTACK
from suites.tenancy.objects.scene import DENIED
from suites.tenancy.objects.wire import Request, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.attempt import Answer
    from constat.stack import KeyPair
    from suites.tenancy.objects.scene import Scene

_SECONDS: Final = 60


def signed_addresses(scene: Scene, keys: KeyPair | None, of_victim: KeyPair) -> Iterator[Act]:
    """Addresses that carry their signature: turned to something else, out of date, or made with a name that is not one's own."""
    if scene.own is None or keys is None:
        return
    attacker, own = scene.attacker, scene.own
    good = attacker.presigned(Request(method="GET", path=scene.path(own)), seconds=_SECONDS)
    turned = {
        "presign the victim's": attacker.presigned(Request(method="GET", path=scene.path(scene.victim)), seconds=_SECONDS),
        "turn one's own to the victim's key": _moved(good, scene.path(scene.victim)),
        "turn it and ask for a version": _moved(good, scene.path(scene.victim), ("versionId", scene.victim.version)),
        "climb from one's own": _moved(good, f"/{scene.bucket}/{own.tenant}/../{scene.victim.known}"),
        "list with it": _moved(good, f"/{scene.bucket}", ("prefix", f"{scene.victim.tenant}/")),
        "sign twice": Request(method="GET", path=scene.path(scene.victim), query=(*good.query, *good.query)),
        "take the victim's name": Speaker(
            scene.objects, type(of_victim)(access_key=of_victim.access_key, secret_key=keys.secret_key)
        ).presigned(Request(method="GET", path=scene.path(scene.victim)), seconds=_SECONDS),
        "an expired one of the victim's": _expired(scene, of_victim, "GET"),
        "one of the victim's that never ends": Speaker(scene.objects, of_victim).presigned(
            Request(method="GET", path=scene.path(scene.victim)), seconds=100 * 365 * 86400
        ),
    }
    for name, request in turned.items():
        yield _unsigned(scene, name, good, request)
    for method in ("PUT", "DELETE"):
        yield _unsigned(scene, f"{method} with an address to read", good, _as(_moved(good, scene.path(scene.victim)), method), writes=True)
        victims = Speaker(scene.objects, of_victim).presigned(Request(method="GET", path=scene.path(scene.victim)), seconds=_SECONDS)
        yield _unsigned(scene, f"{method} with the victim's address to read", good, _as(victims, method), writes=True)
        yield _unsigned(scene, f"an expired {method} of the victim's", good, _expired(scene, of_victim, method), writes=True)


def _expired(scene: Scene, keys: KeyPair, method: str) -> Request:
    hour_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    body = ATTACK if method == "PUT" else b""
    return Speaker(scene.objects, keys).presigned(
        Request(method=method, path=scene.path(scene.victim), body=body), seconds=_SECONDS, at=hour_ago
    )


def _moved(request: Request, path: str, *added: tuple[str, str]) -> Request:
    return Request(method=request.method, path=path, query=(*request.query, *added))


def _as(request: Request, method: str) -> Request:
    return Request(method=method, path=request.path, query=request.query, body=ATTACK if method == "PUT" else b"")


def _unsigned(scene: Scene, name: str, good: Request, request: Request, *, writes: bool = False) -> Act:
    """Sent without any other signature than the one it carries; the attacker's own address works, so signing does."""
    nobody = scene.nobody
    assert scene.own is not None  # asked by the caller

    def ask(asked: Request) -> Answer:
        return answered(nobody.send(asked, nobody.signed(asked, asked.path)), unnamed=(scene.victim.known,))

    twin: Callable[[], Answer] = lambda: ask(good)  # noqa: E731 - the name says what it is for
    return Act(
        name=name,
        twin=twin,
        forbidden=lambda: ask(request),
        refusals=DENIED | {"http 400", "http 404", "http 405"},
        own=scene.own.content,
        writes=writes,
        reproduction=f"{request.method} {request.path} ({name})",
    )
