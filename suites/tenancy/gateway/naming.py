"""How a client can name a tenant that its token does not name: filters, fields of a body, headers in every spelling."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.request import Request
    from suites.tenancy.gateway.resident import Resident

    Variation = tuple[str, Request]

# Field names by which services tell whose something is, and which property of a tenant each holds.
_FIELDS: Final = (
    *((name, "organization_id") for name in ("organization_id", "organizationId", "organization", "org_id", "org", "owner_id")),
    *(("tenant_id", "organization_id"), ("account_id", "organization_id"), ("workspace_id", "organization_id")),
    *((name, "tenant") for name in ("tenant", "tenantId", "tenant_id", "X-Tenant-ID", "x_tenant_id")),
    *(("user", "user"), ("sub", "user"), ("created_by", "user")),
)
_HEADERS: Final = (("X-Tenant-ID", "tenant"), ("X-Organization-ID", "organization_id"))
# Names that servers, frameworks and older versions of a service take for the same header.
_SPELLINGS: Final = (
    *(str.lower, str.upper, lambda name: name.replace("-", "_"), lambda name: name.replace("-", "_").upper()),
    *(lambda name: name.replace("-", "."), lambda name: name.replace("-", ""), lambda name: name.removeprefix("X-")),
    *(lambda name: f"{name} ".strip() + "-", lambda name: name.replace("ID", "Id"), lambda name: f"HTTP_{name.replace('-', '_').upper()}"),
)
# What proxies and frameworks are known to believe, and which property of a tenant each is given.
_IDENTITIES: Final = (
    *((name, "tenant") for name in ("X-Tenant", "X-Tenant-Name", "X-Org", "X-Forwarded-Tenant", "X-Consumer-Username", "X-Scope-OrgID")),
    *((name, "organization_id") for name in ("X-Org-ID", "X-Account-ID", "X-Workspace-ID", "X-Consumer-ID", "X-Consumer-Custom-ID")),
    *((name, "user") for name in ("X-User", "X-User-ID", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username")),
    *((name, "user") for name in ("X-Auth-Request-User", "X-Auth-Request-Email", "X-Remote-User", "Remote-User", "X-Authenticated-Userid")),
    *((name, "user") for name in ("X-JWT-Claim-Sub", "X-Goog-Authenticated-User-Email", "X-Amzn-Oidc-Identity", "From")),
)


def filters(base: Request, me: Resident, whose: Resident) -> Iterator[Variation]:
    """The other tenant as a filter: alone, beside one's own in both orders, and as a list."""
    for name, what in _FIELDS:
        yield f"query {name} as their {what}", _asking(base, (name, _of(whose, what)))
    for name, what in (("organization_id", "organization_id"), ("tenant", "tenant")):
        mine, theirs = (name, _of(me, what)), (name, _of(whose, what))
        yield f"query {name} twice", _asking(base, mine, theirs)
        yield f"query {name} twice, theirs first", _asking(base, theirs, mine)
        yield f"query {name}[]", _asking(base, (f"{name}[]", _of(whose, what)))
        yield f"query filter[{name}]", _asking(base, (f"filter[{name}]", _of(whose, what)))
        yield f"query filter={name}", _asking(base, ("filter", f'{name} = "{_of(whose, what)}" OR {name} != ""'))


def fields(base: Request, whose: Resident) -> Iterator[Variation]:
    """The other tenant as a field that nobody asked for: at the top, inside what is nested, and around it."""
    if not isinstance(base.body, dict):
        return
    for name, what in _FIELDS:
        yield f"body {name} as their {what}", dataclasses.replace(base, body=base.body | {name: _of(whose, what)})
    owner = {"id": whose.organization_id, "organization_id": whose.organization_id, "tenant": whose.tenant}
    for name in ("organization", "tenant", "owner", "_tenant", "metadata"):
        yield f"body {name} as an object", dataclasses.replace(base, body=base.body | {name: owner})
    for name, value in base.body.items():
        if isinstance(value, dict):
            yield f"body {name} with theirs", dataclasses.replace(base, body=base.body | {name: value | owner})
    yield "body wrapped with theirs", dataclasses.replace(base, body={**owner, "data": base.body, "item": base.body})


def headers(base: Request, me: Resident, whose: Resident) -> Iterator[Variation]:
    """The other tenant in a header: each name in its spellings and multiplicities, and whatever else says who somebody is."""
    for name, what in _HEADERS:
        mine, theirs = _of(me, what), _of(whose, what)
        yield name, _saying(base, (name, theirs))
        for spelled in dict.fromkeys(spelling(name) for spelling in _SPELLINGS):
            yield f"{name} as {spelled}", _saying(base, (spelled, theirs))
        yield f"{name} twice", _saying(base, (name, mine), (name, theirs))
        yield f"{name} twice, theirs first", _saying(base, (name, theirs), (name, mine))
        yield f"{name} as mine and {name.lower()} as theirs", _saying(base, (name, mine), (name.lower(), theirs))
        for how, value in _values(mine, theirs):
            yield f"{name} {how}", _saying(base, (name, value))
    everything = tuple((name, _of(whose, what)) for name, what in _HEADERS)
    yield "every tenant header", _saying(base, *everything, ("X-Tenant-Plan", whose.plan))
    for name, what in _IDENTITIES:
        yield name, _saying(base, (name, _of(whose, what)))
    yield "Cookie", _saying(base, ("Cookie", f"tenant={whose.tenant}; organization_id={whose.organization_id}; X-Tenant-ID={whose.tenant}"))
    yield "Host", _saying(base, ("X-Forwarded-Host", f"{whose.tenant}.viridial"), ("X-Forwarded-Server", whose.tenant))
    yield "Forwarded", _saying(base, ("Forwarded", f"for=127.0.0.1;host={whose.tenant}.viridial;by={whose.tenant}"))
    yield "baggage", _saying(base, ("baggage", f"tenant={whose.tenant},organization_id={whose.organization_id}"))


def _values(mine: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield "as a list", f"{mine}, {theirs}"
    yield "as a list, theirs first", f"{theirs}, {mine}"
    yield "as a list without a space", f"{mine},{theirs}"
    yield "in capitals", theirs.upper()
    yield "quoted", f'"{theirs}"'
    yield "percent-encoded", "".join(f"%{ord(letter):02x}" for letter in theirs)
    yield "in wide letters", "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in theirs)
    yield "with a semicolon", f"{mine};{theirs}"
    yield "with a wildcard", f"{mine}*"
    yield "empty", ""


def _of(whose: Resident, what: str) -> str:
    value: str = getattr(whose, what)
    return value


def _asking(base: Request, *pairs: tuple[str, str]) -> Request:
    return dataclasses.replace(base, query=(*base.query, *pairs))


def _saying(base: Request, *pairs: tuple[str, str]) -> Request:
    return dataclasses.replace(base, headers=(*base.headers, *pairs))


def replaced(value: Any, before: str, after: str) -> Any:
    """A JSON value in which every text that is `before` is `after`."""
    if isinstance(value, dict):
        return {name: replaced(part, before, after) for name, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, before, after) for part in value]
    return after if value == before else value
