"""Answers as they go over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from provision.platform.services.problem import Problem

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"

encode: Final = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """Status, body, media type, and headers beyond those that every answer has."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(msgspec.Struct, frozen=True):
    """The body of every refusal."""

    title: str
    status: int


def json(value: object, status: int = 200) -> Answer:
    """Answer with a value as JSON."""
    return Answer(status, encode(value))


def refusal(problem: Problem) -> Answer:
    """Answer with a problem."""
    return Answer(problem.status, encode(Refusal(problem.title, problem.status)), PROBLEM, problem.headers)
