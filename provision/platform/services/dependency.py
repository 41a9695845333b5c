"""A server that a service needs: opened without waiting, asked whether it answers, closed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

LOG: Final = logging.getLogger(__name__)
_SECONDS: Final = 2.0
ANSWERS: Final = "answers"
SILENT: Final = "does not answer"


class Dependency(Protocol):
    """What stands behind a service."""

    @property
    def name(self) -> str:
        """As `/ready` calls it."""

    @property
    def required(self) -> bool:
        """Whether the service cannot do its work without it."""

    async def open(self) -> None:
        """Make the client; the server itself may be down."""

    async def close(self) -> None:
        """Let go of every connection."""

    async def check(self) -> None:
        """Ask the server once; raises when it does not answer."""


class Readiness(msgspec.Struct, frozen=True):
    """Whether the service can do its work, and which server says what."""

    ready: bool
    dependencies: dict[str, str]


class Watch:
    """Asks every dependency, and says in the log when one has changed."""

    def __init__(self, dependencies: Iterable[Dependency]) -> None:
        """Take what to ask."""
        self._dependencies = tuple(dependencies)
        self._last: dict[str, str] = {}

    async def readiness(self) -> Readiness:
        """Ask all at once, each for two seconds at most."""
        answers = await asyncio.gather(*(self._ask(dependency) for dependency in self._dependencies))
        said = dict(zip((dependency.name for dependency in self._dependencies), answers, strict=True))
        ready = all(said[dependency.name] == ANSWERS for dependency in self._dependencies if dependency.required)
        return Readiness(ready, said)

    async def _ask(self, dependency: Dependency) -> str:
        try:
            async with asyncio.timeout(_SECONDS):
                await dependency.check()
        except Exception as problem:  # noqa: BLE001 - whatever it is, the server was not reached
            self._log(dependency.name, SILENT, f"{SILENT} ({type(problem).__name__})")
            return SILENT
        self._log(dependency.name, ANSWERS, ANSWERS)
        return ANSWERS

    def _log(self, name: str, answer: str, worded: str) -> None:
        if self._last.get(name) != answer:
            self._last[name] = answer
            LOG.info("%s %s", name, worded)
