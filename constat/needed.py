"""A capability of the stack that somebody needs."""

from __future__ import annotations

from typing import TypeVar

from constat.errors import Unobservable

Part = TypeVar("Part")


def needed(part: Part | None, what: str) -> Part:
    """The part itself; Unobservable that says what the stack lacks when there is none."""
    if part is None:
        msg = f"the stack has no {what}"
        raise Unobservable(msg)
    return part
