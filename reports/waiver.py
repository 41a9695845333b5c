"""The terms of a waiver, as the reason of a waived finding words them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_TERMS = re.compile(r"waived by (?P<owner>.+) until (?P<expires>\d{4}-\d{2}-\d{2}): (?P<reason>.+)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Who accepts what, until when; `reason` ends with what was seen."""

    owner: str
    expires: date
    reason: str


def terms(reason: str) -> Terms | None:
    """Read `waived by OWNER until YYYY-MM-DD: REASON (WHAT WAS SEEN)`; None for any other wording."""
    match = _TERMS.fullmatch(reason)
    if match is None:
        return None
    try:
        expires = date.fromisoformat(match["expires"])
    except ValueError:
        return None
    return Terms(owner=match["owner"], expires=expires, reason=match["reason"])
