"""Every policy and every role that there is, tried for real: whose secrets a token with it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.observe import http
from constat.observe import vault as vaults
from constat.outcome import Outcome
from suites.tenancy.campaign import OK
from suites.tenancy.secrets.ground import Planted, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Vault

# Minted for one look; a token that an interrupted run leaves ends by itself.
_LASTS: Final = "60s"
_KINDS: Final = frozenset({"token", "approle"})


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Which tenants' secrets a policy or a role reads or lists."""

    subject: str
    own: frozenset[str]
    reached: frozenset[str]


def policies(vault: Vault, oracle: Speaker, planted: tuple[Planted, ...]) -> Iterator[Reach]:
    """A token with each policy alone; the administrator's own are left out."""
    own = set(oracle.need("GET", "auth/token/lookup-self")["data"]["policies"]) | {"root"}
    for name in oracle.need("LIST", "sys/policies/acl")["data"]["keys"]:
        if name not in own:
            request = {"policies": [name], "no_default_policy": True, "ttl": _LASTS, "no_parent": True}
            auth = oracle.need("POST", "auth/token/create-orphan", request)["auth"]
            yield _reach(vault, f"policy {name}", str(auth["client_token"]), planted, own=_named(name, planted))
            oracle.ask("POST", "auth/token/revoke-accessor", {"accessor": auth["accessor"]})


def roles(vault: Vault, oracle: Speaker, planted: tuple[Planted, ...]) -> Iterator[Reach]:
    """A login by each role of each mount, as its holder would."""
    for mount, kind in vaults.auth_methods(vault).items():
        if kind != "approle":
            continue
        for role in vaults.names(vault, f"auth/{mount}/role"):
            base = f"auth/{mount}/role/{role}"
            role_id = oracle.need("GET", f"{base}/role-id")["data"]["role_id"]
            # A role that asks for no secret gives none out either.
            reply = oracle.ask("POST", f"{base}/secret-id", {"ttl": _LASTS})
            issued = reply.json()["data"] if reply.status == http.OK else {}
            login = {"role_id": role_id} | {name: value for name, value in issued.items() if name == "secret_id"}
            auth = oracle.need("POST", f"auth/{mount}/login", login)["auth"]
            yield _reach(vault, f"role {mount}/{role}", str(auth["client_token"]), planted, own=frozenset({role}))
            oracle.ask("POST", "auth/token/revoke-accessor", {"accessor": auth["accessor"]})
            if issued:
                oracle.ask("POST", f"{base}/secret-id-accessor/destroy", {"secret_id_accessor": issued["secret_id_accessor"]})


def bare_roles(vault: Vault, oracle: Speaker) -> Iterator[Judgement]:
    """A role's name alone must open nothing: it is no secret."""
    with vaults.connect(vault) as client:
        stranger = Speaker(client, "nobody")
        for mount, kind in vaults.auth_methods(vault).items():
            for role in vaults.names(vault, f"auth/{mount}/role") if kind == "approle" else ():
                role_id = oracle.need("GET", f"auth/{mount}/role/{role}/role-id")["data"]["role_id"]
                answer = stranger.answer("POST", f"auth/{mount}/login", {"role_id": role_id})
                let_in = answer.kind == OK
                yield Judgement(
                    subject=f"role {mount}/{role} without a secret",
                    outcome=Outcome.FAIL if let_in else Outcome.PASS,
                    reason="its name alone opens it" if let_in else f"refused: {answer.kind}",
                    expected=False,
                    observed=let_in,
                    positive_control="each role is let in with its secret, by its own subject",
                )


def unknown_methods(vault: Vault) -> tuple[str, ...]:
    """Ways to log in of a kind that is not tried here."""
    return tuple(mount for mount, kind in vaults.auth_methods(vault).items() if kind not in _KINDS)


def judge(seen: Reach, planted: tuple[Planted, ...]) -> Judgement:
    """A tenant's policy and role reach its own secrets and no other's; whoever is no tenant reaches none."""
    tenants = {item.tenant for item in planted}
    excess = sorted(seen.reached - seen.own)
    blind = sorted((seen.own & tenants) - seen.reached)
    if excess:
        outcome, reason = Outcome.FAIL, f"reads the secrets of {', '.join(excess)}"
    elif blind:
        outcome, reason = Outcome.ERROR, f"does not even read the secrets of {', '.join(blind)}, which are its own"
    else:
        outcome, reason = Outcome.PASS, f"reads the secrets of {', '.join(sorted(seen.reached)) or 'nobody'}"
    own = ", ".join(sorted(seen.own & seen.reached))
    return Judgement(
        subject=seen.subject,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=excess,
        positive_control=f"reads its own ({own})" if own else None,
    )


def _reach(vault: Vault, subject: str, token: str, planted: tuple[Planted, ...], *, own: frozenset[str]) -> Reach:
    with vaults.connect(vault, token=token) as client:
        speaker = Speaker(client, subject)
        reached = {item.tenant for item in planted if any(_shows(speaker, item, *look) for look in _LOOKS)}
    return Reach(subject=subject, own=own, reached=frozenset(reached))


_LOOKS: Final = (("GET", "data/{known}"), ("GET", "metadata/{known}"), ("LIST", "metadata/{folder}"), ("GET", "subkeys/{known}"))


def _shows(speaker: Speaker, item: Planted, method: str, path: str) -> bool:
    return speaker.answer(method, f"{item.mount}/{path.format(known=item.known, folder=item.folder)}").kind == OK


def _named(policy: str, planted: tuple[Planted, ...]) -> frozenset[str]:
    """Whose a policy is, by the end of its name."""
    return frozenset(item.tenant for item in planted if policy.rpartition("-")[2] == item.tenant)
