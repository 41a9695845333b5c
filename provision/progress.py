"""What a person is told while something takes long."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who is told what starts, what is done and what failed."""

    def started(self, what: str) -> None:
        """Something long has begun."""

    def done(self, what: str, seconds: float) -> None:
        """It has ended well, after that many seconds."""

    def note(self, text: str) -> None:
        """A remark."""


class Silent:
    """Nobody is told anything."""

    def started(self, what: str) -> None:
        """Do nothing."""

    def done(self, what: str, seconds: float) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
