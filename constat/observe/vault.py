"""Facts of the secret store: its version, its paths and who may call them unasked, what it issues."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.stack import Vault

_PLACE: Final = re.compile(r"\{[^}]*\}")
# Type of a way to log in → below which paths it keeps whom it knows.
KEPT: Final = {
    **dict.fromkeys(("userpass", "ldap", "radius", "okta"), ("users",)),
    "approle": ("role",),
    **dict.fromkeys(("jwt", "oidc", "kubernetes"), ("role",)),
    "cert": ("certs",),
}
_LITERAL: Final = re.compile(r"[^{]*")


@dataclass(frozen=True, kw_only=True)
class Path:
    """A path of the API, with a harmless name in every place that takes one."""

    template: str
    url: str
    methods: frozenset[str]
    unauthenticated: bool  # by the server's own word


@dataclass(frozen=True, kw_only=True)
class DrawnLogin:
    """A database login that was handed out."""

    user: str
    password: str = field(repr=False)


def connect(vault: Vault, *, token: str = "") -> httpx.Client:
    """Speak to the secret store with a token, or with none."""
    return http.client(vault.ca, f"{vault.url}/v1/", headers={"X-Vault-Token": token} if token else None)


def version(vault: Vault) -> str:
    """The version that the server runs; a sealed or standby server says it too."""
    with connect(vault) as client:
        return str(http.ask(client, "GET", "sys/health").json()["version"])


def paths(vault: Vault, *, name: str) -> tuple[Path, ...]:
    """Every path that the administrator's description of the API has, `name` standing for whatever a path asks for."""
    described = _read(vault, "sys/internal/specs/openapi")["paths"]
    return tuple(_path(template, operations, name) for template, operations in described.items())


def kept_names(vault: Vault) -> frozenset[str]:
    """Every name that something has in any engine or way to log in: of keys, roles, groups, policies."""
    found: set[str] = set()
    with connect(vault, token=vault.admin_token) as client:
        for path in paths(vault, name="constat"):
            if "LIST" in path.methods and not _PLACE.search(path.template):
                reply = http.ask(client, "LIST", path.url)
                if reply.status == http.OK:
                    found |= {str(key) for key in reply.json()["data"].get("keys") or ()}
    return frozenset(found)


def auth_methods(vault: Vault) -> dict[str, str]:
    """Every way to log in: its mount without the slash, and its type."""
    return {mount.rstrip("/"): str(method["type"]) for mount, method in _read(vault, "sys/auth")["data"].items()}


def names(vault: Vault, path: str) -> tuple[str, ...]:
    """What is listed below a path; nothing where nothing is."""
    with connect(vault, token=vault.admin_token) as client:
        reply = http.ask(client, "LIST", path)
    if reply.status == 404:  # noqa: PLR2004 - how the API says that a list is empty
        return ()
    return tuple(str(key) for key in http.expect(reply, what=f"LIST {path}").json()["data"].get("keys", ()))


def identities(vault: Vault) -> frozenset[str]:
    """Every way to log in, everybody that each knows by name, and every token that nobody logged in for, by its display name.

    Users and roles are `mount/name`.  A token with an operator's policy that is another than
    ours, of the same name, is `name, again`.
    """
    methods = auth_methods(vault)
    named = {
        f"{mount}/{name}" for mount, kind in methods.items() for kept in KEPT.get(kind, ()) for name in names(vault, f"auth/{mount}/{kept}")
    }
    return frozenset(f"method {mount}" for mount in methods) | named | _tokens(vault)


def _tokens(vault: Vault) -> frozenset[str]:
    found: set[str] = set()
    with connect(vault, token=vault.admin_token) as client:
        for accessor in names(vault, "auth/token/accessors"):
            reply = http.ask(client, "POST", "auth/token/lookup-accessor", value={"accessor": accessor})
            if reply.status < 400 and (data := reply.json()["data"])["path"].startswith("auth/token/"):  # noqa: PLR2004 - gone meanwhile
                name = f"{data['display_name']}" if data.get("role") is None else f"role {data['role']}"
                found.add(f"{name}, again" if name in found else name)
    return frozenset(found)


def database_logins(vault: Vault) -> tuple[str, ...]:
    """Every path that hands out a login to a database: made for who asks, or standing and rotated."""
    mounts = [mount for mount, engine in _read(vault, "sys/mounts")["data"].items() if engine["type"] == "database"]
    kinds = (("roles", "creds"), ("static-roles", "static-creds"))
    return tuple(f"{mount}{creds}/{name}" for mount in mounts for roles, creds in kinds for name in names(vault, f"{mount}{roles}"))


@contextlib.contextmanager
def drawn(vault: Vault, path: str) -> Iterator[DrawnLogin]:
    """Ask for a database login; its lease, where it has one, is ended afterwards.  Raises Unobservable when none is handed out."""
    with connect(vault, token=vault.admin_token) as client:
        reply = http.expect(http.ask(client, "GET", path), what=path).json()
        try:
            yield DrawnLogin(user=str(reply["data"]["username"]), password=str(reply["data"]["password"]))
        finally:
            if lease := reply.get("lease_id"):
                http.expect(http.ask(client, "PUT", "sys/leases/revoke", value={"lease_id": lease, "sync": True}), what="the lease's end")


def issued_prefixes(vault: Vault) -> tuple[str, ...]:
    """How names of database logins begin that the secret store issues, by the template of each connection."""
    mounts = [mount for mount, engine in _read(vault, "sys/mounts")["data"].items() if engine["type"] == "database"]
    connections = [f"{mount}config/{connection}" for mount in mounts for connection in names(vault, f"{mount}config")]
    return tuple(prefix for path in connections if (prefix := _prefix(_read(vault, path)["data"])))


def _prefix(connection: dict[str, Any]) -> str:
    """The literal beginning of the template; the server's own default template begins with `v-`."""
    template = str(connection["connection_details"].get("username_template") or "v-{{")
    match = _LITERAL.match(template)
    return match[0] if match else ""


def _path(template: str, operations: dict[str, Any], name: str) -> Path:
    methods = {method.upper() for method in operations if method in {"get", "post", "put", "delete", "patch"}}
    lists = any(parameter.get("name") == "list" for parameter in operations.get("get", {}).get("parameters", ()))
    return Path(
        template=template,
        url=_PLACE.sub(name, template).lstrip("/"),
        methods=frozenset(methods | ({"LIST"} if lists else set())),
        unauthenticated=bool(operations.get("x-vault-unauthenticated")),
    )


def _read(vault: Vault, path: str) -> dict[str, Any]:
    with connect(vault, token=vault.admin_token) as client:
        found = http.expect(http.ask(client, "GET", path), what=path).json()
    if not isinstance(found, dict):
        msg = f"the secret store answers {path!r} with {type(found).__name__}, expected an object"
        raise Unobservable(msg)
    return found
