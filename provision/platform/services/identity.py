"""Identity: who somebody is, in a token that the others can check for themselves, and how often they may ask."""

from __future__ import annotations

import math
import time
from types import NoneType
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import UUID  # noqa: TC003 - msgspec reads annotations at run time

import msgspec

from provision.platform.services import keys
from provision.platform.services.answer import Answer, encode, json
from provision.platform.services.application import Service
from provision.platform.services.database import Database
from provision.platform.services.operation import Call, Operation
from provision.platform.services.problem import Problem, forbidden, invalid_token, unauthorized
from provision.platform.services.standing import Standing, Standings
from provision.platform.services.tokens import Issuer, Verifier
from provision.platform.services.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provision.platform.services.settings import IdentitySettings
    from provision.platform.services.tokens import Caller

_CONNECTIONS: Final = 4
_WRONG: Final = "user or password is wrong"
_NOT_SOLD: Final = "the tenant's plan is not sold any more"
_SIGN_IN: Final[LiteralString] = "SELECT authentication.sign_in(%(user)s, %(password)s) AS organization_id"


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody signs in with."""

    user: str
    password: str


class Token(msgspec.Struct, frozen=True):
    """A bearer token, and the seconds for which it is good (RFC 6749, 5.1)."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme


class Account(msgspec.Struct, frozen=True):
    """For whom somebody may act; None when the user or the password is wrong."""

    organization_id: UUID | None


class Identity:
    """The operations."""

    def __init__(self, database: Database, issuer: Issuer, jwks: keys.Jwks, plans: Mapping[str, int]) -> None:
        """Take where accounts are, who signs, what is published, and requests a minute by plan."""
        self._database = database
        self._standings = Standings(database)
        self._issuer = issuer
        self._jwks = encode(jwks)
        self._plans = plans
        self._windows: dict[UUID, Window] = {}

    async def sign_in(self, call: Call[Credentials]) -> Answer:
        """Exchange a password for a token."""
        said = {"user": call.input.user, "password": call.input.password}
        found = await self._database.fetch_without_context(_SIGN_IN, said, row=Account)
        organization_id = found[0].organization_id
        standing = await self._standings.fetch(organization_id) if organization_id else None
        if organization_id is None or standing is None:
            raise unauthorized(_WRONG)
        token = self._issuer.issue(
            subject=call.input.user,
            tenant=standing.tenant,
            organization_id=organization_id,
            plan=standing.plan,
        )
        return json(Token(token, self._issuer.seconds))

    async def key_set(self, call: Call[None]) -> Answer:
        """Publish the keys that tokens are checked with."""
        del call
        return Answer(200, self._jwks)

    async def verify(self, call: Call[None]) -> Answer:
        """Tell the gateway for whom the token speaks, unless they have asked too often."""
        caller = call.caller
        if await self._standings.find(caller.organization_id) != Standing(caller.tenant, caller.plan):
            raise invalid_token()
        self._admit(caller)
        tenancy = (
            (b"x-tenant-id", caller.tenant.encode()),
            (b"x-organization-id", str(caller.organization_id).encode()),
            (b"x-tenant-plan", caller.plan.encode()),
        )
        return Answer(204, b"", headers=tenancy)

    def _admit(self, caller: Caller) -> None:
        limit = self._plans.get(caller.plan)
        if limit is None:
            raise forbidden(_NOT_SOLD)
        window = self._windows.setdefault(caller.organization_id, Window())
        if wait := window.admit(time.monotonic(), limit):
            raise Problem(429, f"more than {limit} requests a minute", ((b"retry-after", b"%d" % math.ceil(wait)),))


def service(settings: IdentitySettings) -> Service:
    """Put identity together."""
    private = keys.load_private(settings.signing_key)
    public = private.public_key()
    jwk = keys.published(public)
    database = Database(settings.database, connections=_CONNECTIONS)
    issuer = Issuer(private, jwk.kid, issuer=settings.issuer, audience=settings.audience, seconds=settings.token_seconds)
    identity = Identity(database, issuer, keys.Jwks([jwk]), settings.plans)
    return Service(
        name="identity",
        operations=_operations(identity),
        dependencies=(database,),
        verifier=Verifier(keys.OwnKeys({jwk.kid: public}), issuer=settings.issuer, audience=settings.audience),
    )


def _operations(identity: Identity) -> tuple[Operation[Credentials] | Operation[None], ...]:
    return (
        Operation(
            method="POST",
            path="/api/identity/token",
            summary="Sign in.",
            handler=identity.sign_in,
            accepts=Credentials,
            answers=Token,
            public=True,
        ),
        Operation(
            method="GET",
            path="/api/identity/jwks.json",
            summary="The public keys of the issuer.",
            handler=identity.key_set,
            accepts=NoneType,
            answers=keys.Jwks,
            public=True,
        ),
        Operation(
            method="GET",
            path="/verify",
            summary="For the gateway: whether a token is good, and for which tenant.",
            handler=identity.verify,
            accepts=NoneType,
            status=204,
        ),
    )
