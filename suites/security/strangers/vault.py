"""Strangers at the secret store: every path that it describes, without a token."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from constat.attempt import Answer
from constat.observe import http
from constat.observe import vault as vaults
from suites.security.approach import OK, acts, required
from suites.security.strangers import web

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.attempt import Admission
    from constat.observe.vault import Path
    from suites.security.approach import Act, Ground

SUBJECT: Final = "secret store API"
# What the server itself declares as everybody's, and why that is so; a path that joins them is a finding until it is here.
UNAUTHENTICATED: Final = {
    r"/auth/[^/]+/login(/.*)?": "where tokens come from",
    r"/identity/oidc/(provider/[^/]+/)?\.well-known/.*": "public keys",
    r"/identity/oidc/provider/[^/]+/token": "authenticates its clients itself",
    r"/sys/(health|leader|seal-status|init)": "whether it lives, is sealed and leads",
    r"/sys/unseal": "takes a share of the key",
    r"/sys/(decode-token|generate-root/.*|rekey/.*)": "takes shares of the key; refuses to begin without a token",
    r"/sys/internal/(specs/openapi|ui/mounts.*|ui/namespaces)": "shows a stranger only what is everybody's",
    r"/sys/mfa/validate": "the second factor of a login that has begun",
    r"/sys/storage/raft/bootstrap/.*": "a new member's challenge, which only the seal's key answers",
    r"/sys/wrapping/lookup": "when a wrapping token was made, for who has it",
}
REFUSALS: Final = frozenset({"http 401", "http 403", "http 307", "public"})
# Of what is everybody's: nothing there, not by that method, not that way.
_NOTHING: Final = frozenset({"http 400", "http 404", "http 405", "http 500"})
_LISTED: Final = re.compile(r'"(?:keys|auth|secret)":\s*(?:\[[^\]]|\{\s*")')


def approach(ground: Ground) -> Iterator[Admission]:
    """Read and list every path; write to a tenant's secrets, the policies and the tokens."""
    vault = required(ground.stack.vault, "secret store")
    described = vaults.paths(vault, name="constat-stranger")
    with vaults.connect(vault, token=vault.admin_token) as client:
        known = web.succeeds(http.ask(client, "GET", "auth/token/lookup-self"))
    closed = [path for path in described if not path.unauthenticated]
    opened = [path for path in described if path.unauthenticated]
    with vaults.connect(vault) as client:
        looked = [
            (f"{method} {path.template}", functools.partial(_looked, client, ground, method, path.url))
            for path in closed
            for method in sorted(path.methods & {"GET", "LIST"})
        ]
        everybodys = [(f"open {path.template}", functools.partial(_open, client, ground, path)) for path in opened]
        yield from acts(SUBJECT, known, looked + _writes(client, ground, vault.mount), refusals=REFUSALS)
        yield from acts(SUBJECT, known, everybodys, refusals=REFUSALS | _NOTHING)


def _writes(client: httpx.Client, ground: Ground, mount: str) -> list[Act]:
    """Each with a value that the server would refuse or that nobody would find, should the door be open."""
    wanted = (
        f"{mount}/data/tenants/{ground.tenant}/constat-stranger",
        "sys/policies/acl/constat-stranger",
        "auth/token/create",
        "sys/capabilities",
    )
    return [(f"POST {path}", functools.partial(_looked, client, ground, "POST", path)) for path in wanted]


def _looked(client: httpx.Client, ground: Ground, method: str, path: str) -> Answer:
    return web.seen(ground, http.ask(client, method, path, value={} if method == "POST" else None), public=False)


def _open(client: httpx.Client, ground: Ground, path: Path) -> Answer:
    """A path that is open by the server's own word: it must be one that is known to be, and list nothing to a stranger."""
    if not any(re.fullmatch(pattern, path.template) for pattern in UNAUTHENTICATED):
        return Answer(kind=OK, shown="the server admits strangers there, and nobody has said why")
    if "GET" not in path.methods:
        return Answer(kind="public", shown="takes only what proves itself")
    reply = http.ask(client, "GET", path.url)
    if "/ui/" in path.template and _LISTED.search(reply.text):
        return Answer(kind=OK, shown=reply.text[:200])
    return web.seen(ground, reply, public=True)
