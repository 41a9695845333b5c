"""Every policy, role and entity that there is, tried for real: whose secrets a token with it reads, and whether it widens rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.observe import http
from constat.observe import vault as vaults
from constat.outcome import Outcome
from suites.tenancy.campaign import OK
from suites.tenancy.secrets.effective import capabilities
from suites.tenancy.secrets.ground import Planted, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Vault

# Minted for one look; a token that an interrupted run leaves ends by itself.
_LASTS: Final = "60s"
# Whoever may write there gives itself, or another, whatever rights it likes.
_WIDENING: Final = (
    *("sys/policies/acl/constat", "sys/policy/constat", "sys/auth/constat", "sys/mounts/constat", "sys/raw/constat", "sys/generate-root"),
    *(
        "auth/token/create",
        "auth/token/create-orphan",
        "auth/token/create/constat",
        "auth/token/roles/constat",
        "auth/approle/role/constat",
    ),
    *(
        "auth/approle/role/constat/secret-id",
        "auth/approle/role/constat/policies",
        "identity/entity",
        "identity/group",
        "identity/entity-alias",
    ),
    *(
        "identity/entity/name/constat",
        "identity/group/name/constat",
        "sys/storage/raft/snapshot",
        "database/roles/constat",
        "database/config/constat",
    ),
)
_WRITES: Final = frozenset({"create", "update", "patch", "sudo", "root"})
_KINDS: Final = frozenset({"token", "approle"})


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Which tenants' secrets a policy, a role or an entity reads or lists."""

    subject: str
    own: frozenset[str]
    reached: frozenset[str]
    powers: tuple[str, ...] = ()  # by which somebody gives itself, or another, more rights


def policies(vault: Vault, oracle: Speaker, planted: tuple[Planted, ...]) -> Iterator[Reach]:
    """A token with each policy alone; the administrator's own are left out."""
    own = set(oracle.need("GET", "auth/token/lookup-self")["data"]["policies"]) | {"root"}
    for name in oracle.need("LIST", "sys/policies/acl")["data"]["keys"]:
        if name not in own:
            yield _minted(vault, oracle, f"policy {name}", [name], planted, own=_named(name, planted))


def _minted(
    vault: Vault, oracle: Speaker, subject: str, policies: list[str], planted: tuple[Planted, ...], *, own: frozenset[str]
) -> Reach:
    """What a token with these policies and no other reaches."""
    request = {"policies": policies, "no_default_policy": True, "ttl": _LASTS, "no_parent": True}
    auth = oracle.need("POST", "auth/token/create-orphan", request)["auth"]
    seen = _reach(vault, oracle, subject, str(auth["client_token"]), planted, own=own)
    oracle.ask("POST", "auth/token/revoke-accessor", {"accessor": auth["accessor"]})
    return seen


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
            yield _reach(vault, oracle, f"role {mount}/{role}", str(auth["client_token"]), planted, own=frozenset({role}))
            oracle.ask("POST", "auth/token/revoke-accessor", {"accessor": auth["accessor"]})
            if issued:
                oracle.ask("POST", f"{base}/secret-id-accessor/destroy", {"secret_id_accessor": issued["secret_id_accessor"]})


def entities(vault: Vault, oracle: Speaker, planted: tuple[Planted, ...]) -> Iterator[Reach]:
    """A token with what everybody has by being somebody: an entity's own policies, and those of every group that it is in."""
    owners = _owners(vault, oracle)
    for key in vaults.names(vault, "identity/entity/id"):
        entity = oracle.need("GET", f"identity/entity/id/{key}")["data"]
        groups = [oracle.need("GET", f"identity/group/id/{group}")["data"] for group in entity.get("group_ids") or ()]
        held = {str(policy) for one in (entity, *groups) for policy in one.get("policies") or ()}
        if held:
            whose = {owners.get(str(alias["name"])) for alias in entity.get("aliases") or ()} - {None}
            own = frozenset(map(str, whose)) if len(whose) == 1 else frozenset()
            yield _minted(vault, oracle, f"entity {entity['name']}, by {', '.join(sorted(held))}", sorted(held), planted, own=own)


def _owners(vault: Vault, oracle: Speaker) -> dict[str, str]:
    """Role ids, by which the server knows who logs in, and the roles that they are of."""
    found: dict[str, str] = {}
    for mount, kind in vaults.auth_methods(vault).items():
        for role in vaults.names(vault, f"auth/{mount}/role") if kind == "approle" else ():
            found[str(oracle.need("GET", f"auth/{mount}/role/{role}/role-id")["data"]["role_id"])] = role
    return found


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
    elif seen.powers:
        outcome, reason = Outcome.FAIL, f"may widen rights, its own too, by {', '.join(seen.powers[:3])}"
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
        observed=[*excess, *seen.powers],
        positive_control=f"reads its own ({own})" if own else None,
    )


def _reach(vault: Vault, oracle: Speaker, subject: str, token: str, planted: tuple[Planted, ...], *, own: frozenset[str]) -> Reach:
    with vaults.connect(vault, token=token) as client:
        speaker = Speaker(client, subject)
        reached = {item.tenant for item in planted if any(_shows(speaker, item, *look) for look in _LOOKS)}
    allowed = capabilities(oracle, token, list(_WIDENING))
    powers = tuple(path for path, words in allowed.items() if set(words) & _WRITES)
    return Reach(subject=subject, own=own, reached=frozenset(reached), powers=powers)


_LOOKS: Final = (("GET", "data/{known}"), ("GET", "metadata/{known}"), ("LIST", "metadata/{folder}"), ("GET", "subkeys/{known}"))


def _shows(speaker: Speaker, item: Planted, method: str, path: str) -> bool:
    return speaker.answer(method, f"{item.mount}/{path.format(known=item.known, folder=item.folder)}").kind == OK


def _named(policy: str, planted: tuple[Planted, ...]) -> frozenset[str]:
    """Whose a policy is, by the end of its name."""
    return frozenset(item.tenant for item in planted if policy.rpartition("-")[2] == item.tenant)
