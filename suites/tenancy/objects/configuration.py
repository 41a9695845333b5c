"""What holds for a whole bucket, and the account itself: no tenant reads it, changes it, makes or removes a bucket."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from suites.tenancy.campaign import OK, UNSUPPORTED, Act
from suites.tenancy.objects.ground import WORD, Admin, Authority, answered, supported
from suites.tenancy.objects.operations import CONFIGURATIONS, LOOKED_AT
from suites.tenancy.objects.scene import DENIED
from suites.tenancy.objects.wire import Request, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOUND: Final = 200
# How a bucket is called that an attacker makes.
TAKEN: Final = "constat-taken"
# Actions of the account's and of the token service's own protocol.
ACTIONS: Final = (
    "ListUsers",
    "CreateUser",
    "CreateAccessKey",
    "ListAccessKeys",
    "PutUserPolicy",
    "GetUserPolicy",
    "ListPolicies",
    "CreatePolicy",
)
_TOKENS: Final = ("AssumeRole", "GetSessionToken", "GetFederationToken", "AssumeRoleWithWebIdentity")


def requests(bucket: str) -> Iterator[tuple[str, Request]]:
    """Every way to look at or change what holds for a bucket."""
    for name, document in CONFIGURATIONS.items():
        body = (document % bucket if "%s" in document else document).encode()
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        headers = {"content-md5": md5} | ({"x-amz-acl": "public-read"} if name == "acl" else {})
        yield f"put {name}", Request(method="PUT", path=f"/{bucket}", query=((name, ""),), headers=headers, body=body)
        yield f"get {name}", Request(method="GET", path=f"/{bucket}", query=((name, ""),))
        yield f"delete {name}", Request(method="DELETE", path=f"/{bucket}", query=((name, ""),))
    for name in LOOKED_AT:
        yield f"get {name}", Request(method="GET", path=f"/{bucket}", query=((name, ""),))


def bucket_acts(attacker: Speaker, who: str, bucket: str, authority: Authority, *, disposable: bool) -> Iterator[Act]:
    """The attacker at a real bucket; the administrator does the same to a bucket of the suite's own."""
    scratch = dict(requests(authority.bucket))
    for name, request in requests(bucket):
        if disposable or request.method == "GET":
            yield _act(attacker, who, name, request, lambda name=name: _once(authority, name, scratch[name]))
    remove = Request(method="DELETE", path=f"/{bucket}")
    yield _act(attacker, who, "remove the bucket", remove, lambda: _removes_one(authority), let_in=frozenset({"http 409"}))
    new = f"{TAKEN}-{secrets.token_hex(4)}"
    yield _act(attacker, who, "make a bucket", Request(method="PUT", path=f"/{new}"), lambda: _removes_one(authority))
    yield _act(attacker, who, "make the bucket anew", Request(method="PUT", path=f"/{bucket}"), lambda: _removes_one(authority))


def account_acts(attacker: Speaker, who: str, authority: Authority) -> Iterator[Act]:
    """The account's own protocol, with which keys and policies are made; and the list of all buckets."""
    for action in (*ACTIONS, *_TOKENS):
        body = f"Action={action}&Version=2010-05-08&UserName=constat&RoleArn=arn:aws:iam:::role/admin&RoleSessionName=constat".encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        request = Request(method="POST", path="/", headers=headers, body=body)
        yield _act(attacker, who, action, request, lambda action=action, request=request: _once(authority, action, request))


def _act(attacker: Speaker, who: str, name: str, request: Request, twin: object, *, let_in: frozenset[str] = frozenset()) -> Act:
    def forbidden() -> Answer:
        answer = answered(attacker.ask(request))
        return (
            Answer(kind=answer.kind, shown=f"the server looked at the bucket first: {answer.shown}", reached=True)
            if answer.kind in let_in
            else answer
        )

    assert callable(twin)
    return Act(
        name=name,
        twin=twin,
        forbidden=forbidden,
        refusals=DENIED | {"http 400", "http 404", "http 405", "http 501"},
        writes=request.method != "GET" and request.path != "/",
        reproduction=f"as {who}: {request}",
    )


def _once(authority: Authority, name: str, request: Request) -> Answer:
    """How the administrator fares; what it cannot do either, because the server has not got it or there is nothing, proves nothing."""
    if name not in authority.seen:
        answer = supported(authority.speaker.ask(request))
        if request.method == "DELETE":  # some servers take the bucket itself for what was meant
            authority.admin.ask("PUT", f"/{authority.bucket}")
        authority.seen[name] = answer if answer.kind == OK else Answer(kind=UNSUPPORTED, shown=f"{answer.kind} {answer.shown}")
    return authority.seen[name]


def _removes_one(authority: Authority) -> Answer:
    """The administrator makes a bucket and removes it."""
    if "bucket" not in authority.seen:
        path = f"/{WORD}-{secrets.token_hex(4)}"
        made = answered(authority.speaker.ask(Request(method="PUT", path=path)))
        removed = answered(authority.speaker.ask(Request(method="DELETE", path=path)))
        authority.seen["bucket"] = removed if made.kind == OK else made
    return authority.seen["bucket"]


def snapshot(admin: Admin, bucket: str) -> dict[str, tuple[int, bytes]]:
    """What holds for the bucket, by the administrator's reading."""
    return {name: ((reply := admin.ask("GET", f"/{bucket}", (name, ""))).status, reply.body) for name in CONFIGURATIONS}


def worded(admin: Admin, bucket: str) -> str:
    """The snapshot and the buckets that there are, as text."""
    lines = [
        f"{name} {status} {body.decode(errors='replace')}" for name, (status, body) in snapshot(admin, bucket).items() if status == _FOUND
    ]
    return "\n".join([*lines, "buckets " + " ".join(sorted(name for name in admin.buckets() if not name.startswith(WORD)))])


def restore(admin: Admin, bucket: str, kept: dict[str, tuple[int, bytes]], buckets: tuple[str, ...]) -> None:
    """Put back what held for the bucket, and remove buckets that were not there."""
    for name, (status, body) in snapshot(admin, bucket).items():
        was, document = kept[name]
        if was == _FOUND and (status, body) != (was, document):
            admin.ask("PUT", f"/{bucket}", (name, ""), body=document)
        elif was != _FOUND and status == _FOUND:  # asked only where it is there: some servers take the bucket itself for what was meant
            admin.ask("DELETE", f"/{bucket}", (name, ""))
    for new in set(admin.buckets()) - set(buckets):
        if new.startswith(TAKEN):
            admin.ask("DELETE", f"/{new}")
