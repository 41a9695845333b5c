"""The property API's own mix: what is asked, how often, and what the answer must show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One row of the mix.

    `target`, `body` and `shows` are filled in for a tenant: {canary}, {word}, {id}, {user},
    {password}.  An answer is right when it has this status and shows all
    of `shows`; one that shows another tenant's canary is a leak, whatever else it is.
    """

    name: str
    share: float
    method: str
    route: str
    target: str
    status: int
    shows: tuple[str, ...]
    body: Mapping[str, str | int] = field(default_factory=dict)
    signed_in: bool = True
    # Too rare for a verdict of its own within a minute; it counts in the total and for its tenant.
    judged: bool = True


@dataclass(frozen=True)
class Planted:
    """One property that the load put there to be found: its id, and the word that only it has."""

    id: str
    word: str


OK: Final = "ok"
LEAK: Final = "another tenant's canary"
# What every title begins with that a load created, so that a later run can remove what a killed one left.
TITLE: Final = "constat-load"
# People sign in once and then work; a password costs a server tens of milliseconds of computing, on purpose.
MIX: Final = (
    Operation(
        name="sign-in",
        share=0.02,
        method="POST",
        route="POST /api/identity/token",
        target="/api/identity/token",
        body={"user": "{user}", "password": "{password}"},
        status=200,
        shows=('"access_token"',),
        signed_in=False,
        judged=False,
    ),
    Operation(
        name="list",
        share=0.28,
        method="GET",
        route="GET /api/properties",
        target="/api/properties?limit=20",
        status=200,
        shows=("{canary}",),
    ),
    Operation(
        name="search",
        share=0.20,
        method="GET",
        route="GET /api/search",
        target="/api/search?q={word}",
        status=200,
        shows=("{id}",),
    ),
    Operation(
        name="read",
        share=0.35,
        method="GET",
        route="GET /api/properties/{id}",
        target="/api/properties/{id}",
        status=200,
        shows=("{id}", "{word}"),
    ),
    Operation(
        name="create",
        share=0.15,
        method="POST",
        route="POST /api/properties",
        target="/api/properties",
        body={"title": TITLE + " {canary} {canary}new", "city": "Liège", "price": 250_000},
        status=201,
        shows=("{canary}new",),
    ),
)


@dataclass(frozen=True)
class Shot:
    """A request, ready to be sent as it is, and what its answer must show and must not."""

    method: str
    wire: bytes
    status: int
    shows: tuple[bytes, ...]
    foreign: tuple[bytes, ...]


def shot(operation: Operation, *, host: str, token: str, words: Mapping[str, str], foreign: tuple[str, ...]) -> Shot:
    """Fill an operation in; KeyError when a word is missing."""
    filled = {key: _fill(value, words) if isinstance(value, str) else value for key, value in operation.body.items()}
    body = json.dumps(filled, ensure_ascii=False).encode() if filled else b""
    head = [f"{operation.method} {_fill(operation.target, words)} HTTP/1.1", f"Host: {host}", "Accept: application/json"]
    head += [f"Authorization: Bearer {token}"] if operation.signed_in else []
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return Shot(
        method=operation.method,
        wire="\r\n".join([*head, "", ""]).encode("latin-1") + body,
        status=operation.status,
        shows=tuple(_fill(text, words).encode() for text in operation.shows),
        foreign=tuple(text.encode() for text in foreign),
    )


def judge(shot: Shot, status: int, body: bytes | bytearray) -> str:
    """Say whether an answer is right; another tenant's canary is a leak whatever the status."""
    if any(canary in body for canary in shot.foreign):
        return LEAK
    if status != shot.status:
        return f"status {status}"
    return OK if all(text in body for text in shot.shows) else "wrong body"


def words_of(planted: Planted, *, canary: str, user: str, password: str) -> dict[str, str]:
    """What an operation may be filled in with for one tenant and one of its properties."""
    return {"canary": canary, "word": planted.word, "id": planted.id, "user": user, "password": password}


def _fill(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    return text
