"""What the attack on the secret store needs: secrets of each tenant's, everybody's tokens, and the administrator's view."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import http
from constat.observe import vault as vaults
from suites.tenancy.campaign import OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.stack import AppRole, Vault

# Every secret that the suite makes has this word in its path.
WORD: Final = "constat-tenancy"
_SUCCESSES: Final = 300
_MERGE: Final = {"Content-Type": "application/merge-patch+json"}


class Speaker:
    """One identity at the secret store, or nobody."""

    def __init__(self, client: httpx.Client, who: str, *, token: str = "", accessor: str = "") -> None:
        """Take a connection that carries the token."""
        self._client = client
        self.who = who
        self.token = token
        self.accessor = accessor

    def ask(self, method: str, path: str, value: Any = None) -> http.Reply:
        """Ask, whatever comes back."""
        headers = _MERGE if method == "PATCH" else None
        return http.ask(self._client, method, path, value=value, headers=headers)

    def answer(self, method: str, path: str, value: Any = None) -> Answer:
        """Ask, as an answer."""
        return answered(self.ask(method, path, value))

    def need(self, method: str, path: str, value: Any = None) -> dict[str, Any]:
        """Ask; Unobservable unless it succeeds."""
        reply = http.expect(self.ask(method, path, value), what=f"{method} {path} of {self.who}")
        return dict(reply.json()) if reply.body else {}


def answered(reply: http.Reply) -> Answer:
    """The whole answer; what is refused says so in its status."""
    return Answer(kind=OK if reply.status < _SUCCESSES else f"http {reply.status}", shown=_plain(reply))


def _plain(reply: http.Reply) -> str:
    """Errors without the number that every answer has for itself."""
    if reply.status < _SUCCESSES:
        return reply.text
    try:
        return " ".join(map(str, reply.json().get("errors", ())))
    except Unobservable:
        return reply.text[:200]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A tenant's secrets; the attacker is told of `known`, and not of `hidden`."""

    mount: str
    tenant: str
    content: str
    name: str
    place: str = ""  # where a rule leads to; elsewhere than usual

    @property
    def folder(self) -> str:
        """Below which everything of the suite's is."""
        return self.place.rpartition("/")[0] or f"tenants/{self.tenant}/{WORD}"

    @property
    def known(self) -> str:
        """The path that the attacker is told."""
        return self.place or f"{self.folder}/known"

    @property
    def hidden(self) -> str:
        """The path that only a listing gives away."""
        return f"{self.folder}/{self.name}"


def log_in(client: httpx.Client, role: AppRole) -> tuple[str, str]:
    """A token and its accessor; Unobservable when the role is not let in."""
    login = {"role_id": role.role_id, "secret_id": role.secret_id}
    auth = http.expect(http.ask(client, "POST", "auth/approle/login", value=login), what="the tenant's login").json()["auth"]
    return str(auth["client_token"]), str(auth["accessor"])


@contextlib.contextmanager
def speaking(vault: Vault, who: str, role: AppRole | None) -> Iterator[Speaker]:
    """Log in as a tenant, nobody without a role; the token is given back afterwards."""
    token, accessor = "", ""
    if role is not None:
        with vaults.connect(vault) as client:
            token, accessor = log_in(client, role)
    with vaults.connect(vault, token=token) as client:
        speaker = Speaker(client, who, token=token, accessor=accessor)
        try:
            yield speaker
        finally:
            if token:
                speaker.ask("POST", "auth/token/revoke-self")


def plant(speaker: Speaker, mount: str, tenant: str) -> Planted:
    """Two versions of one secret, and another whose name is not told, written by the tenant itself."""
    planted = Planted(mount=mount, tenant=tenant, content=f"c{secrets.token_hex(12)}", name=f"c{secrets.token_hex(12)}")
    for path in (planted.known, planted.known, planted.hidden):
        speaker.need("POST", f"{mount}/data/{path}", {"data": {"canary": planted.content}})
    return planted


def state(oracle: Speaker, planted: Planted, accessor: str) -> str:
    """What is really there of the victim's: its secrets, its rights, its role, and whether its token still counts."""
    mount, tenant = planted.mount, planted.tenant
    asked = (
        ("GET", f"{mount}/data/{planted.known}", None),
        ("GET", f"{mount}/metadata/{planted.known}", None),
        ("SCAN", f"{mount}/metadata/tenants/{tenant}/", None),
        ("GET", f"auth/approle/role/{tenant}", None),
        ("GET", f"auth/approle/role/{tenant}/role-id", None),
        ("LIST", f"auth/approle/role/{tenant}/secret-id", None),
        ("LIST", "sys/policies/acl", None),
        ("LIST", "auth/approle/role", None),
    )
    lines = [f"{path} {_data(oracle.ask(method, path, value))}" for method, path, value in asked]
    counts = oracle.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor}).status
    return "\n".join([*lines, f"token {counts}"])


def _data(reply: http.Reply) -> str:
    return f"{reply.status} {reply.json().get('data')}" if reply.status < _SUCCESSES else str(reply.status)


def sweep(oracle: Speaker, mount: str) -> None:
    """Remove every secret of the suite's, wherever a run has left it."""
    found = oracle.ask("SCAN", f"{mount}/metadata/")
    for path in found.json()["data"].get("keys", ()) if found.status < _SUCCESSES else ():
        if WORD in path and not path.endswith("/"):
            oracle.ask("DELETE", f"{mount}/metadata/{path}")
