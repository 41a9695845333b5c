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


async def readiness(dependencies: Iterable[Dependency]) -> Readiness:
    """Ask every dependency, all at once, within two seconds."""
    asked = tuple(dependencies)
    answers = await asyncio.gather(*(_answers(dependency) for dependency in asked))
    return Readiness(
        ready=all(answer for dependency, answer in zip(asked, answers, strict=True) if dependency.required),
        dependencies={dependency.name: ANSWERS if answer else SILENT for dependency, answer in zip(asked, answers, strict=True)},
    )


async def _answers(dependency: Dependency) -> bool:
    try:
        async with asyncio.timeout(_SECONDS):
            await dependency.check()
    except Exception as problem:  # noqa: BLE001 - whatever it is, the server was not reached
        LOG.warning("%s does not answer: %s", dependency.name, type(problem).__name__)
        return False
    return True
