"""What an identity could do to another tenant's objects: every operation, every spelling of a path, every way around it."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from suites.tenancy.campaign import OK, Act
from suites.tenancy.objects.ground import Admin, answered, let_in
from suites.tenancy.objects.operations import ATTACK, ON_OBJECT, deletion
from suites.tenancy.objects.scene import DENIED, HARMLESS
from suites.tenancy.objects.wire import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.objects.operations import Operation
    from suites.tenancy.objects.scene import Scene

_SPELLED: Final = frozenset({"get", "put", "delete"})


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
                yield harmless(scene, f"{operation.name} {path}", request, writes=operation.writes)


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


def deletions(scene: Scene) -> Iterator[Act]:
    """Several objects at once, the victim's among them."""
    for what, keys in (("alone", ()), ("beside one's own", (scene.own.hidden,) if scene.own else ())):
        body = deletion((*(f"{key}-nothing" for key in keys), scene.victim.known))
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        request = Request(method="POST", path=f"/{scene.bucket}", query=(("delete", ""),), headers={"content-md5": md5}, body=body)
        yield harmless(scene, f"delete several: {what}", request, writes=True)
    yield harmless(scene, "post a form", _form(scene, scene.victim.known), writes=True)
    yield harmless(scene, "post a form with a file's name", _form(scene, "${filename}", name=scene.victim.known), writes=True)


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


def harmless(scene: Scene, name: str, request: Request, *, writes: bool) -> Act:
    """An act whose answer may be anything: it must show nothing of the victim's, and change nothing."""

    def twin() -> Answer:
        return scene.once("get", lambda: _twin(scene, _GET))

    def forbidden() -> Answer:
        answer = scene.heard(request)
        return Answer(kind="own only", shown=answer.shown) if answer.kind == OK else answer

    reproduction = f"as {scene.who}: {request}"
    return Act(name=name, twin=twin, forbidden=forbidden, refusals=HARMLESS, writes=writes, reproduction=reproduction)


_GET: Final = ON_OBJECT[0]
