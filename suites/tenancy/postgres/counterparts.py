"""A value of the victim's, and one of the same form that exists nowhere."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.tenancy.postgres.lore import NUMBERS, TEXTS
from suites.tenancy.postgres.planting import CANARY, UUID, new_canary, new_number, new_uuid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suites.tenancy.postgres.lore import Lore
    from suites.tenancy.postgres.seeds import Seed


@dataclass(frozen=True)
class Argument:
    """A value of the victim's, and one of the same shape that exists nowhere; the same twice where there is no such pair."""

    existing: Any
    absent: Any


@dataclass(frozen=True, kw_only=True)
class Giver:
    """Whose values are given, and what is known of the function that they are given to."""

    victims: Sequence[Seed]
    tenant: str
    lore: Lore


def fits(kind: str, value: object) -> bool:
    """Whether a row's value can be given for an argument of the type."""
    if kind == "uuid":
        return is_uuid(value)
    if kind in TEXTS:
        return isinstance(value, str) and bool(value)
    return kind in NUMBERS and isinstance(value, int) and not isinstance(value, bool)


def nowhere(value: object) -> object:
    """A value of the same form that nobody has; the same where there is nothing of a canary's in it, for a form alone may be answered."""
    if is_uuid(value) or (isinstance(value, str) and UUID.fullmatch(value)):
        return str(new_uuid())
    if isinstance(value, str):
        return CANARY.sub(lambda found: str(new_uuid()) if "-" in found[0] else new_canary(), value)
    return new_number(8) if is_drawn(value) else value


def is_uuid(value: object) -> bool:
    """Whether it is an id as the driver gives it."""
    return isinstance(value, uuid.UUID)


def is_drawn(value: object) -> bool:
    """Whether it is a number that was drawn for a row."""
    return isinstance(value, int) and not isinstance(value, bool) and str(value).startswith("957") and len(str(value)) > 7  # noqa: PLR2004
