"""Meilisearch, asked as an application asks it: indexes, keys, and searches with a tenant token.

Tenant tokens are JWTs that the application signs with one of its keys (HS256); `searchRules` says which
filter every search of the bearer is given. Documented at meilisearch.com/docs/learn/security/tenant_tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    import httpx

_HASHES: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key that tenant tokens are signed with."""

    uid: str
    secret: str


def indexes(client: httpx.Client) -> tuple[str, ...]:
    """Every index by its uid; Unobservable when the key may not list them, or there is none."""
    found = http.expect(http.ask(client, "GET", "/indexes?limit=1000"), what="/indexes").json()
    names = tuple(str(one["uid"]) for one in found.get("results", ()))
    if not names:
        msg = "Meilisearch has no index, so there is nothing to be kept apart"
        raise Unobservable(msg)
    return names


def search_key(client: httpx.Client) -> Key:
    """The key that may search and nothing more, which applications sign tenant tokens with."""
    listed = http.expect(http.ask(client, "GET", "/keys?limit=1000"), what="/keys").json()
    for key in listed.get("results", ()):
        if key.get("actions") == ["search"]:
            return Key(uid=str(key["uid"]), secret=str(key["key"]))
    msg = "Meilisearch has no key that may only search, so nobody can sign tenant tokens with one"
    raise Unobservable(msg)


def tenant_token(key: Key, rules: Any, *, expires: int | None, algorithm: str = "HS256", uid: str | None = None) -> str:
    """A tenant token with these rules; `expires` in seconds since the epoch, None for never."""
    claims: dict[str, Any] = {"apiKeyUid": key.uid if uid is None else uid, "searchRules": rules}
    if expires is not None:
        claims["exp"] = expires
    plain = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(claims)}"
    if algorithm not in _HASHES:
        return f"{plain}."
    return f"{plain}.{_text(hmac.digest(key.secret.encode(), plain.encode(), _HASHES[algorithm]))}"


def endpoints(index: str, query: str, extra: dict[str, Any]) -> tuple[tuple[str, str, Any], ...]:
    """Every way to search an index, as (what it is, path, body)."""
    asked = {"q": query, "limit": 100, **extra}
    one = {"indexUid": index, **asked}
    return (
        ("search", f"/indexes/{index}/search", asked),
        ("multi-search", "/multi-search", {"queries": [one]}),
        ("federated search", "/multi-search", {"federation": {}, "queries": [{k: v for k, v in one.items() if k != "limit"}]}),
        ("facet search", f"/indexes/{index}/facet-search", {"facetName": "organization_id", "facetQuery": "", **_without_limit(asked)}),
        ("similar documents", f"/indexes/{index}/similar", {"id": query, "embedder": "default", **extra}),
    )


def ask(client: httpx.Client, token: str, path: str, body: Any) -> http.Reply:
    """Search with a token."""
    return http.ask(client, "POST", path, value=body, headers={"Authorization": f"Bearer {token}"})


def _without_limit(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name not in {"limit", "facets"}}


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
