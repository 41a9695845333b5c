"""What each service is told: one JSON file a service, which only it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

Kind = TypeVar("Kind")


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the service listens, with which certificate (paths of PEM files)."""

    host: str
    port: int
    cert: str
    key: str


class Trust(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose tokens count, and where the issuer publishes its keys."""

    issuer: str
    audience: str
    jwks_url: str


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The object store, the service's identity there, and the bucket of images."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where events are published: the broker's address with credentials, the platform's virtual host, and what tenants' follow from."""

    server: str
    vhost: str
    vhosts_key: str
    name: str


class IdentitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of identity; `plans` are requests a minute, `signing_key` is a PEM."""

    listen: Listen
    ca: str
    database: str
    issuer: str
    audience: str
    signing_key: str
    token_seconds: int
    plans: dict[str, int]


class PropertySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of property; `cache` is a URL with credentials."""

    listen: Listen
    ca: str
    database: str
    trust: Trust
    store: Store
    cache: str
    events: Exchange


class SearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of search."""

    listen: Listen
    ca: str
    database: str
    trust: Trust


def read(path: Path, kind: type[Kind]) -> Kind:
    """Read a service's settings; ValidationError names the field that is wrong."""
    return msgspec.json.decode(path.read_bytes(), type=kind)
