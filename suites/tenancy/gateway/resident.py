"""A tenant at the API: its token, what it has made there, and by what it is recognised; and one that exists nowhere."""

from __future__ import annotations

import dataclasses
import itertools
import random
import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from suites.tenancy.gateway.values import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

# Shorter values turn up by chance.
_SHORTEST_MARK: Final = 8
_USER_FIELDS: Final = frozenset({"user", "username", "user_name", "login", "email", "client_id"})
_ORGANIZATION_FIELDS: Final = frozenset({"organization_id", "organizationId", "organization", "org_id", "tenant_id"})
_PASSWORD_FIELDS: Final = frozenset({"password", "client_secret"})


@dataclass(frozen=True, kw_only=True)
class Resident:
    """A tenant, by its own login; `places` are values by (collection, place), `told` are values by query parameter."""

    tenant: str
    organization_id: str
    plan: str
    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    canary: str
    places: dict[tuple[str, str], str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    handles: dict[str, str] = field(default_factory=dict)  # texts that it has used, by field; nobody is recognised by them
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def word(self) -> str:
        """A text of its own that nobody has seen before."""
        return f"{self.canary}x{next(self._numbers):04x}"

    def known(self, name: str, form: str) -> str | None:
        """Its login, or the id of something that it has made."""
        if name in _USER_FIELDS:
            return self.user
        if name in _PASSWORD_FIELDS:
            return self.password
        if name in _ORGANIZATION_FIELDS:
            return self.organization_id if form == "uuid" or name != "tenant_id" else self.tenant
        if form != "uuid" and not name.endswith("_id"):
            return None
        stem = name.removesuffix("_id")
        fitting = [value for (collection, _), value in self.places.items() if collection.rpartition("/")[2].startswith(stem[:4])]
        return next((value for value in (*fitting, *self.places.values()) if UUID.fullmatch(value)), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that stands for it or for something of its own, in an order that is the same for everybody of its shape."""
        return (self.tenant, self.organization_id, self.user, *self.places.values(), *self.words[:1])

    @property
    def marks(self) -> frozenset[str]:
        """By what it is recognised in somebody else's answer; a name that anybody may choose, as the attacks do, tells of nobody."""
        drawn = {value for value in self.places.values() if UUID.search(value)}
        values = {self.canary, self.organization_id, self.user, *drawn, *self.told.values()}
        return frozenset(value for value in values if len(value) >= _SHORTEST_MARK)


def nowhere(resident: Resident) -> Resident:
    """Somebody of the same shape who exists nowhere, and neither does anything of theirs."""
    canary = f"c{secrets.token_hex(12)[1:]}"
    return dataclasses.replace(
        resident,
        tenant=fresh(resident.tenant),
        organization_id=fresh(resident.organization_id),
        user=fresh(resident.user),
        canary=canary,
        words=[word.replace(resident.canary, canary) for word in resident.words],
        places={key: fresh(value) for key, value in resident.places.items()},
        told={key: fresh(value) for key, value in resident.told.items()},
        handles={key: fresh(value) for key, value in resident.handles.items()},
    )


def fresh(value: str) -> str:
    """A value of the same shape: other ids in it, or other letters and digits where it holds no id."""
    if UUID.search(value):
        return UUID.sub(lambda _: str(uuid.uuid4()), value)
    drawn = random.SystemRandom()
    made = "".join(_other(drawn, letter) for letter in value)
    return made if made != value else fresh(value)


def _other(drawn: random.SystemRandom, letter: str) -> str:
    for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if letter in kind:
            return drawn.choice(kind)
    return letter
