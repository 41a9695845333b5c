"""Two tenants, one that exists nowhere, and answers to them."""

from __future__ import annotations

from typing import Final

from constat.observe.http import Reply
from suites.tenancy.gateway.resident import Resident, nowhere
from suites.tenancy.gateway.routes import Way

MINE_ID: Final = "11111111-1111-4111-8111-111111111111"
THEIR_ID: Final = "22222222-2222-4222-8222-222222222222"


def resident(tenant: str, canary: str, identifier: str) -> Resident:
    """A tenant with one property and one image of it."""
    return Resident(
        tenant=tenant,
        organization_id=f"{identifier[:-2]}ff",
        plan="test",
        user=f"{tenant}-agent",
        password="a password of theirs",
        token="e30.e30.e30",
        canary=canary,
        places={("/api/properties", "id"): identifier, ("/api/properties/{id}/images", "name"): f"n{canary[1:]}"},
        told={"after": f"1700000000000000_{identifier}"},
        words=[f"{canary}x0000"],
    )


def pair() -> tuple[Resident, Resident, Resident]:
    """The attacker, the victim, and nobody."""
    theirs = resident("t10", "cbbbbbbbbbbbbbbbbbbbbbbb", THEIR_ID)
    return resident("t1", "caaaaaaaaaaaaaaaaaaaaaaa", MINE_ID), theirs, nowhere(theirs)


def reply(status: int = 200, body: str = "", **headers: str) -> Reply:
    """An answer."""
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body.encode())


def way(method: str = "GET", path: str = "/api/properties/{id}", *, public: bool = False, **operation: object) -> Way:
    """An operation."""
    return Way(service="property", method=method, path=path, public=public, operation=operation, schemas={})
