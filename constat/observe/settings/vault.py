"""What the secret store runs with: mounts, ways to log in, roles, policies, audit devices, and tokens that nobody logged in for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from constat.observe import http, vault
from constat.settings import flat, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.settings import Settings
    from constat.stack import Vault

# Plain reads, each of which is there or is not.
_READ: Final = ("sys/auth", "sys/mounts", "sys/audit", "sys/config/state/sanitized", "sys/config/cors", "sys/quotas/config")
# Listings, below which each entry can be read.
_LISTED: Final = ("sys/policies/acl", "sys/policies/password", "auth/token/roles", "sys/quotas/rate-limit", "identity/group/name")
# What differs from one second to the next, or says only when something was made.
_MOMENTARY: Final = frozenset({"accessor", "creation_time", "last_update_time", "cas_required_at", "last_vault_rotation", "modify_index"})
_NONE: Final = 404


def settings(vault_: Vault) -> Settings:
    """Everything that an administrator has set; nothing of what tenants keep."""
    said: Settings = {}
    with vault.connect(vault_, token=vault_.admin_token) as client:
        for path in _READ:
            said |= _stated(client, path)
        for mount, engine in _data(client, "sys/mounts").items():
            said |= _stated(client, f"{mount}config") if engine["type"] == "kv" else {}
        for path in (*_LISTED, *_kept(client)):
            for name in _names(client, path):
                said |= _stated(client, f"{path}/{name}") | _credentials(client, f"{path}/{name}")
        said |= tokens(_tokens(client))
    return said


def _kept(client: httpx.Client) -> Iterator[str]:
    """Where each way to log in keeps whom it knows, and each engine of databases what it issues."""
    for mount, method in _data(client, "sys/auth").items():
        yield from (f"auth/{mount}{kept}" for kept in vault.KEPT.get(str(method["type"]), ()))
    for mount, engine in _data(client, "sys/mounts").items():
        if engine["type"] == "database":
            yield from (f"{mount}{kept}" for kept in ("config", "roles", "static-roles"))


def _credentials(client: httpx.Client, path: str) -> Settings:
    """How many secrets open a role: a second one is somebody else's."""
    return {f"{path} credentials": str(len(_names(client, f"{path}/secret-id")))} if "/role/" in path else {}


def tokens(found: list[dict[str, Any]]) -> Settings:
    """How many tokens of each kind were created without a login: what they may do, how long they last."""
    said: dict[str, int] = {}
    for token in found:
        if str(token["path"]).startswith("auth/token/"):
            shown = {
                part: token.get(part) for part in ("policies", "period", "orphan", "explicit_max_ttl", "bound_cidrs", "num_uses", "role")
            }
            name = f"token {token['display_name']} {text(shown)}"
            said[name] = said.get(name, 0) + 1
    return {name: str(count) for name, count in said.items()}


def _tokens(client: httpx.Client) -> list[dict[str, Any]]:
    replies = [
        http.ask(client, "POST", "auth/token/lookup-accessor", value={"accessor": accessor})
        for accessor in _names(client, "auth/token/accessors")
    ]
    return [dict(reply.json()["data"]) for reply in replies if reply.is_success]  # one that is refused is gone meanwhile


def _stated(client: httpx.Client, path: str) -> Settings:
    said = _lasting(_data(client, path))
    # How often a policy was written, and when, is not what it says.
    history = ("version", "modified") if path.startswith("sys/policies/") else ()
    return dict(flat({key: value for key, value in said.items() if key not in history}, path))


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in _MOMENTARY}
    return value


def _data(client: httpx.Client, path: str) -> dict[str, Any]:
    reply = http.ask(client, "GET", path)
    if reply.status == _NONE:
        return {}
    found = http.expect(reply, what=path).json()
    if not isinstance(found, dict):
        msg = f"the secret store answers {path!r} with {type(found).__name__}, expected an object"
        raise Unobservable(msg)
    return dict(found.get("data") or {})


def _names(client: httpx.Client, path: str) -> tuple[str, ...]:
    reply = http.ask(client, "LIST", path)
    return (
        () if reply.status == _NONE else tuple(str(name) for name in http.expect(reply, what=f"LIST {path}").json()["data"].get("keys", ()))
    )
