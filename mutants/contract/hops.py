"""A hop between two components that was cut by a change of rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import broker, cache, http

if TYPE_CHECKING:
    from redis import Redis

    from constat.stack import Stack

SERVICE: Final = "service"


def _memory(stack: Stack) -> Redis:
    return cache.connect(needed(stack.cache, "cache"))


def _lock_out(stack: Stack, state: State) -> None:
    del state  # nothing is needed to undo it
    with _memory(stack) as memory:
        memory.execute_command("ACL", "SETUSER", SERVICE, "off")
        memory.execute_command("CLIENT", "KILL", "USER", SERVICE)


def _let_in(stack: Stack, state: State) -> None:
    del state  # the login's rules and password were kept
    with _memory(stack) as memory:
        memory.execute_command("ACL", "SETUSER", SERVICE, "on")


def _logins(stack: Stack) -> list[str]:
    return sorted(user.unordered for user in cache.users(needed(stack.cache, "cache")))


def _is_locked_out(stack: Stack, state: State) -> bool:
    del state  # it is seen
    return any(user.name == SERVICE and not user.enabled for user in cache.users(needed(stack.cache, "cache")))


def _permission(stack: Stack) -> dict[str, Any]:
    return dict(_management(stack, "GET").json())


def _management(stack: Stack, method: str, value: dict[str, Any] | None = None) -> http.Reply:
    if stack.broker is None:
        msg = "the stack has no broker"
        raise Unobservable(msg)
    vhost = stack.broker.vhost_of(next(iter(stack.tenants), ""))
    path = f"/api/permissions/{quote(vhost, safe='')}/{SERVICE}"
    with broker.management(stack.broker) as client:
        return http.expect(http.ask(client, method, path, value=value), what=path)


def _forbid_publishing(stack: Stack, state: State) -> None:
    _management(stack, "PUT", {**_rules(state["permission"]), "write": "^$"})


def _allow_publishing(stack: Stack, state: State) -> None:
    _management(stack, "PUT", _rules(state["permission"]))


def _rules(permission: dict[str, Any]) -> dict[str, Any]:
    return {key: permission[key] for key in ("configure", "write", "read")}


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-02",
        title="the services' login at the cache was switched off when passwords were rotated",
        scope=Scope.STORE,
        controls=("CON-LIV-01",),
        plant=_lock_out,
        confirm=_is_locked_out,
        revert=_let_in,
        fingerprint=lambda stack: "\n".join(_logins(stack)),
    ),
    Mutant(
        id="MUT-CON-03",
        title="the services may no longer publish, after permissions were tidied up",
        scope=Scope.STORE,
        controls=("CON-DIS-01",),
        prepare=lambda stack: {"permission": _permission(stack)},
        plant=_forbid_publishing,
        confirm=lambda stack, _state: _permission(stack)["write"] == "^$",
        revert=_allow_publishing,
        fingerprint=lambda stack: str(sorted(_permission(stack).items())),
    ),
)
