"""What a request says of itself in its headers, and whether that agrees with its token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from provision.platform.services.problem import Problem, forbidden, unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from provision.platform.services.tokens import Caller

TENANCY: Final = (b"x-tenant-id", b"x-organization-id", b"x-tenant-plan")
_DISAGREES: Final = "a tenant header disagrees with the token"
_NOT_LETTERS: Final = re.compile(rb"[^a-z0-9]")
_SCHEME: Final = b"bearer "
EXPECTED: Final = "a bearer token is expected"


class Presented(NamedTuple):
    """The token, the tenant headers in the order of `TENANCY`, and the media type of the body."""

    token: bytes | None
    tenancy: tuple[bytes | None, ...]
    media_type: bytes


def read(headers: Iterable[tuple[bytes, bytes]]) -> Presented:
    """Read the headers in one pass; Problem 400 when a header that counts is ambiguous."""
    token: bytes | None = None
    media_type = b""
    tenancy: dict[bytes, bytes] = {}
    for name, value in headers:
        if name == b"authorization":
            token = _token(token, value)
        elif name == b"content-type":
            media_type = value.partition(b";")[0].strip().lower()
        elif b"tenant" in name or b"organi" in name:
            _keep(tenancy, name, value)
    return Presented(token, tuple(tenancy.get(name) for name in TENANCY) if tenancy else _NONE, media_type)


def agree(presented: Presented, caller: Caller) -> None:
    """Problem 403 when a tenant header names another tenant than the token."""
    if presented.tenancy is _NONE:
        return
    verified = (caller.tenant.encode(), str(caller.organization_id).encode(), caller.plan.encode())
    for said, is_so in zip(presented.tenancy, verified, strict=True):
        if said is not None and said != is_so:
            raise forbidden(_DISAGREES)


_NONE: Final = (None,) * len(TENANCY)


def _token(before: bytes | None, value: bytes) -> bytes:
    if before is not None:
        raise Problem(400, "the Authorization header is there more than once")
    if value[: len(_SCHEME)].lower() != _SCHEME:
        raise unauthorized(EXPECTED)
    return value[len(_SCHEME) :].strip()


def _keep(tenancy: dict[bytes, bytes], name: bytes, value: bytes) -> None:
    if name in TENANCY:
        if name in tenancy or b"," in value:
            raise Problem(400, "a tenant header is there more than once")
        tenancy[name] = value
    elif _NOT_LETTERS.sub(b"-", name) in TENANCY:  # as a CGI-like server would read `X_Tenant.ID`
        raise Problem(400, "a header looks like a tenant header and is none")
