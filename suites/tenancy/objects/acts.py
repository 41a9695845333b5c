"""What an identity could do to another tenant's objects: every operation, every spelling of a path, every way around it."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from suites.tenancy.campaign import OK, Act
from suites.tenancy.objects.ground import Admin, Authority, Planted, answered, let_in
from suites.tenancy.objects.operations import ATTACK, ON_OBJECT, Operation, deletion
from suites.tenancy.objects.wire import Request, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.stack import KeyPair, Objects

DENIED: Final = frozenset({"http 403", "error AccessDenied"})
# A spelling may also be no path at all, or name something of the attacker's own; what counts is what it did.
HARMLESS: Final = DENIED | {f"http {status}" for status in (301, 307, 400, 404, 405, 409)} | {"own only"}
_SPELLED: Final = frozenset({"get", "put", "delete"})
_SECONDS: Final = 60


@dataclass(kw_only=True)
class Scene:
    """One bucket, who attacks, who is attacked, and what both have there; `own` is None where the attacker has no place."""

    objects: Objects
    bucket: str
    attacker: Speaker
    who: str
    nobody: Speaker
    own: Planted | None
    victim: Planted
    authority: Authority
    admin: Admin
    twins: dict[str, Answer] = field(default_factory=dict)

    def path(self, planted: Planted, key: str = "") -> str:
        """The path of a planted key."""
        return f"/{self.bucket}/{key or planted.known}"

    @property
    def absent(self) -> str:
        """A key of the victim's at which there is nothing, as long as the one at which there is something."""
        return f"{self.victim.folder}/nowhr"

    def heard(self, request: Request) -> Answer:
        """What the attacker is answered, without the names that it asked for."""
        named = (self.victim.known, self.absent, self.victim.uploading, f"{self.absent}-upload")
        return answered(self.attacker.ask(request), unnamed=named)

    def once(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """What was answered the first time: a twin need not be asked again for each spelling of the same act."""
        if name not in self.twins:
            self.twins[name] = ask()
        return self.twins[name]

    def spare(self) -> Planted:
        """Something of the attacker's own to be given up."""
        assert self.own is not None  # who has no place has no spare
        spare = Planted(tenant=self.own.tenant, folder=f"{self.own.folder}/{secrets.token_hex(4)}", content=self.own.content, name="x")
        Admin(self.attacker).need("PUT", self.path(spare), body=spare.content.encode())
        return spare


def operations(scene: Scene) -> Iterator[Act]:
    """Every operation on the victim's object, against the same on what exists nowhere."""
    for operation in ON_OBJECT:
        is_upload = any("{upload}" in value for _, value in operation.query)
        yield Act(
            name=operation.name,
            twin=lambda operation=operation: _twin(scene, operation),  # type: ignore[misc]
            forbidden=lambda operation=operation, up=is_upload: let_in(operation, scene.heard(_aimed(scene, operation, up=up))),  # type: ignore[misc]
            absent=lambda operation=operation, up=is_upload: scene.heard(_aimed(scene, operation, up=up, absent=True)),  # type: ignore[misc]
            refusals=DENIED,
            own=scene.own.content if operation.shows and scene.own else "",
            writes=operation.writes,
            reproduction=f"as {scene.who}: {_aimed(scene, operation, up=is_upload)}",
        )


def _aimed(scene: Scene, operation: Operation, *, up: bool, absent: bool = False) -> Request:
    victim = scene.victim
    key = (f"{scene.absent}-upload" if up else scene.absent) if absent else (victim.uploading if up else victim.known)
    return operation.on(scene.path(victim, key), version=victim.version, upload=victim.upload)


def _twin(scene: Scene, operation: Operation) -> Answer:
    """The attacker on its own; where even that is not its to do, the administrator."""
    if scene.own is not None:
        answer = _on_own(scene, operation)
        if answer.kind == OK:
            return answer
    return scene.authority.twin(operation)


def _on_own(scene: Scene, operation: Operation) -> Answer:
    assert scene.own is not None  # asked by the caller
    planted = scene.spare() if operation.writes else scene.own
    if any("{upload}" in value for _, value in operation.query):
        if operation.writes:
            scene.admin.begin_upload(scene.bucket, planted, Admin(scene.attacker))
        return let_in(operation, answered(scene.attacker.ask(operation.on(scene.path(planted, planted.uploading), upload=planted.upload))))
    return let_in(operation, answered(scene.attacker.ask(operation.on(scene.path(planted), version=planted.version))))


def spellings(scene: Scene) -> Iterator[Act]:
    """The plainest operations with every spelling of the victim's path."""
    attacker = scene.own.tenant if scene.own else "t"
    for path in paths(scene.bucket, attacker, scene.victim.known):
        for operation in ON_OBJECT:
            if operation.name in _SPELLED:
                request = operation.on(path, upload=scene.victim.upload)
                yield _harmless(scene, f"{operation.name} {path}", request, writes=operation.writes)


def paths(bucket: str, attacker: str, key: str) -> tuple[str, ...]:
    """Ways to write a path that somebody may read as the victim's key, and somebody else as the attacker's own."""
    tenant, _, rest = key.partition("/")
    dotted = ("../", "%2e%2e/", ".%2e/", "..%2f", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "..;/", "..%00/")
    climbing = tuple(f"/{bucket}/{attacker}/{dots}{key}" for dots in dotted)
    encoded = "".join(f"%{ord(character):02x}" for character in tenant)
    return (
        *climbing,
        f"/{bucket}/{attacker}/./../{key}",
        f"/{bucket}/{attacker}/x/../../{key}",
        f"/{bucket}/{attacker}/../../{bucket}/{key}",
        f"/{bucket}//{key}",
        f"/{bucket}/./{key}",
        f"//{bucket}/{key}",
        f"/./{bucket}/{key}",
        f"/{bucket}%2f{key}",
        f"/{bucket}/{encoded}/{rest}",
        f"/{bucket}/{tenant}%2f{rest}",
        f"/{bucket}/{tenant}//{rest}",
        f"/{bucket}/{tenant.upper()}/{rest}",
        f"/{bucket.upper()}/{key}",
        f"/{bucket}/{key}/",
        f"/{bucket}/{key}%00",
        f"/{bucket}/{key}%20",
        f"/{bucket}/{key}.",
        f"/{bucket}/{key}%3fversions",
        f"/buckets/{bucket}/{key}",
        f"/{bucket}/../{bucket}/{key}",
        f"/{bucket}/{attacker}/%2f{key}",
        f"/{bucket}/{attacker}%2f..%2f{key}",
    )


def copies(scene: Scene) -> Iterator[Act]:
    """The victim's object copied to the attacker, and the attacker's onto the victim's."""
    if scene.own is None:
        return
    own, victim = scene.own, scene.victim
    for source in _sources(scene, victim):
        for verb, query in (("copy", ()), ("copy a part", (("partNumber", "1"),))):
            yield Act(
                name=f"{verb} from {source}",
                twin=lambda: scene.once("copy", lambda: _copied(scene, f"/{scene.bucket}/{own.known}", (), own.content)),
                forbidden=lambda source=source, query=query: _copied(scene, source, query, victim.content),  # type: ignore[misc]
                refusals=HARMLESS,
                own=own.content,
                reproduction=f"as {scene.who}: PUT /{scene.bucket}/{own.folder}/… [x-amz-copy-source: {source}]",
            )
    for header in ("x-amz-copy-source", "x-amz-rename-source"):
        query = (("renameObject", ""),) if "rename" in header else ()
        onto = Request(method="PUT", path=scene.path(victim), query=query, headers={header: f"/{scene.bucket}/{own.known}"})
        yield _harmless(scene, f"{header} onto the victim's", onto, writes=True)
        away = Request(
            method="PUT", path=f"/{scene.bucket}/{own.folder}/away", query=query, headers={header: f"/{scene.bucket}/{victim.known}"}
        )
        yield _harmless(scene, f"{header} from the victim's", away, writes=True)


def _sources(scene: Scene, victim: Planted) -> tuple[str, ...]:
    assert scene.own is not None  # asked by the caller
    bucket, key = scene.bucket, victim.known
    own = scene.own.tenant
    return (
        f"/{bucket}/{key}",
        f"{bucket}/{key}",
        f"/{bucket}/{key}?versionId={victim.version}",
        f"/{bucket}/{own}/../{key}",
        f"/{bucket}/{own}/%2e%2e/{key}",
        f"%2F{bucket}%2F{key.replace('/', '%2F')}",
        f"/{bucket}//{key}",
        f"//{bucket}/{key}",
        f"/{bucket}/./{key}",
        f"arn:aws:s3:::{bucket}/{key}",
    )


def _copied(scene: Scene, source: str, query: tuple[tuple[str, str], ...], content: str) -> Answer:
    """Copy to a place of one's own and read it there; what the victim has must not have arrived."""
    spare = scene.spare()
    path, parts = scene.path(spare, f"{spare.folder}/copy"), query
    if query:
        scene.admin.begin_upload(scene.bucket, spare, Admin(scene.attacker))
        path, parts = scene.path(spare, spare.uploading), (*query, ("uploadId", spare.upload))
    answer = answered(scene.attacker.ask(Request(method="PUT", path=path, query=parts, headers={"x-amz-copy-source": source})))
    if answer.kind != OK or query:
        reached = answer.kind == OK and bool(query)
        return Answer(kind=answer.kind, shown=answer.shown, reached=reached)
    arrived = answered(scene.attacker.ask(Request(method="GET", path=path)))
    return Answer(kind=OK if arrived.shows(content) else "own only", shown=arrived.shown)


def deletions(scene: Scene) -> Iterator[Act]:
    """Several objects at once, the victim's among them."""
    for what, keys in (("alone", ()), ("beside one's own", (scene.own.hidden,) if scene.own else ())):
        body = deletion((*(f"{key}-nothing" for key in keys), scene.victim.known))
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        request = Request(method="POST", path=f"/{scene.bucket}", query=(("delete", ""),), headers={"content-md5": md5}, body=body)
        yield _harmless(scene, f"delete several: {what}", request, writes=True)
    yield _harmless(scene, "post a form", _form(scene, scene.victim.known), writes=True)
    yield _harmless(scene, "post a form with a file's name", _form(scene, "${filename}", name=scene.victim.known), writes=True)


def _form(scene: Scene, key: str, *, name: str = "x") -> Request:
    """An upload from a browser, signed by the attacker for any key."""
    now = datetime.datetime.now(datetime.UTC)
    until = now + datetime.timedelta(minutes=5)
    policy = base64.b64encode(
        json.dumps(
            {"expiration": f"{until:%Y-%m-%dT%H:%M:%SZ}", "conditions": [["starts-with", "$key", ""], {"bucket": scene.bucket}]}
        ).encode()
    ).decode()
    fields = {"key": key, "policy": policy, **scene.attacker.vouched(policy, now)}
    parts = [f'--x\r\ncontent-disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in fields.items()]
    file = f'--x\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\ncontent-type: text/plain\r\n\r\n'
    body = "".join(parts).encode() + file.encode() + ATTACK + b"\r\n--x--\r\n"
    return Request(method="POST", path=f"/{scene.bucket}", headers={"content-type": "multipart/form-data; boundary=x"}, body=body)


def _harmless(scene: Scene, name: str, request: Request, *, writes: bool) -> Act:
    """An act whose answer may be anything: it must show nothing of the victim's, and change nothing."""

    def twin() -> Answer:
        return scene.once("get", lambda: _twin(scene, _GET))

    def forbidden() -> Answer:
        answer = scene.heard(request)
        return Answer(kind="own only", shown=answer.shown) if answer.kind == OK else answer

    reproduction = f"as {scene.who}: {request}"
    return Act(name=name, twin=twin, forbidden=forbidden, refusals=HARMLESS, writes=writes, reproduction=reproduction)


_GET: Final = ON_OBJECT[0]


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
