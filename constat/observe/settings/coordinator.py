"""What the consensus store runs with: who it consists of, and what each login may do."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from constat.observe import coordinator
from constat.settings import text

if TYPE_CHECKING:
    from constat.settings import Settings
    from constat.stack import Coordinator


def settings(store: Coordinator) -> Settings:
    """Members, logins with their roles, roles with their ranges of keys."""
    token = coordinator.sign_in(store, store.endpoints[0])

    def call(method: str, **fields: Any) -> dict[str, Any]:
        return coordinator.call(store, method, fields, token=token)

    # The sign-in has proven that it asks who calls; where it does not, nobody can sign in.
    said: Settings = {}
    for member in call("cluster/member/list", linearizable=False).get("members", ()):
        said[f"member {member.get('name')}"] = text({part: member.get(part) for part in ("peerURLs", "clientURLs", "isLearner")})
    for user in call("auth/user/list").get("users", ()):
        said[f"login {user}"] = text(sorted(call("auth/user/get", name=user).get("roles", ())))
    for role in call("auth/role/list").get("roles", ()):
        said[f"role {role}"] = text(sorted(_permission(found) for found in call("auth/role/get", role=role).get("perm", ())))
    return said


def _permission(found: dict[str, Any]) -> str:
    first, last = (base64.b64decode(found.get(part, "")).decode(errors="replace") for part in ("key", "range_end"))
    return f"{found.get('permType', 'READ')} {first!r} to {last!r}"
