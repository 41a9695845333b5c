"""Whether an organization is still a tenant, and on which plan: looked up again every few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, LiteralString

import msgspec

from provision.platform.services.problem import Problem

if TYPE_CHECKING:
    from uuid import UUID

    from provision.platform.services.database import Database

_SECONDS: Final = 5.0
_QUERY: Final[LiteralString] = "SELECT name AS tenant, plan FROM organizations"


class Standing(msgspec.Struct, frozen=True):
    """A tenant's name, and the plan it is on."""

    tenant: str
    plan: str


class Standings:
    """What the database says of organizations; a token outlives its tenant by five seconds at most."""

    def __init__(self, database: Database) -> None:
        """Take where organizations are."""
        self._database = database
        self._known: dict[UUID, tuple[float, Standing | None]] = {}

    async def fetch(self, organization_id: UUID) -> Standing | None:
        """Look an organization up now; None when it is nobody's. Problem 503 when the database is away."""
        found = await self._database.fetch(organization_id, _QUERY, {}, row=Standing)
        standing = found[0] if found else None
        self._known[organization_id] = (time.monotonic(), standing)
        return standing

    async def find(self, organization_id: UUID) -> Standing | None:
        """Say what was known at most five seconds ago, or longer ago while the database is away."""
        looked, standing = self._known.get(organization_id, (float("-inf"), None))
        if time.monotonic() - looked < _SECONDS:
            return standing
        if standing is not None:  # one request looks, the others go on with what is known
            self._known[organization_id] = (time.monotonic(), standing)
        try:
            return await self.fetch(organization_id)
        except Problem:
            if standing is None:
                raise
            return standing
