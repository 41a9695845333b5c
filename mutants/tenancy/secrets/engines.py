"""Defects of what lies beside the tenants' secrets: encryption keys, groups of identities, and policies that widen rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.mutant import Mutant, Scope, State
from constat.observe import http, vault
from mutants.tenancy.secrets.rules import CONFINED, PLACES, ask, read, store, write

if TYPE_CHECKING:
    from constat.stack import Stack

_POLICY: Final = "sys/policies/acl/tenant-t1"
_ENGINE: Final = "sys/mounts/transit"
_KEYS: Final = ("transit/keys/t1-documents", "transit/keys/t10-documents")
_STAR: Final = '\npath "transit/decrypt/t1*" { capabilities = ["update"] }\n'
_GROUP: Final = "identity/group/name/partners"
_HELPDESK: Final = "sys/policies/acl/helpdesk"
_RENEWS: Final = 'path "auth/approle/role/+/secret-id" { capabilities = ["update"] }'


def _fingerprint(stack: Stack) -> str:
    """What is mounted, every group, and every policy."""
    known = store(stack)
    mounts = sorted(read(stack, "sys/mounts"))
    groups = vault.names(known, "identity/group/name")
    policies = [
        f"{name} {read(stack, f'sys/policies/acl/{name}')['policy']}" for name in vault.names(known, "sys/policies/acl") if name != "root"
    ]
    return "\n".join([*mounts, *map(str, groups), *sorted(policies)])


def _policy(stack: Stack) -> State:
    return {"policy": str(read(stack, _POLICY)["policy"])}


def _encrypt(stack: Stack, state: State) -> None:
    write(stack, _ENGINE, {"type": "transit"})
    for key in _KEYS:
        write(stack, key, {})
    write(stack, _POLICY, {"policy": state["policy"] + _STAR})


def _forget_keys(stack: Stack, state: State) -> None:
    write(stack, _POLICY, {"policy": state["policy"]})
    ask(stack, "DELETE", _ENGINE)  # with everything that is in it; it is gone already where it never was


def _partner(stack: Stack, state: State) -> None:
    del state  # there was no such group
    write(stack, _GROUP, {"policies": ["tenant-t10"], "member_entity_ids": [_entity(stack)]})


def _entity(stack: Stack) -> str:
    """Who the first tenant is to the server, which knows it once it has logged in."""
    role = stack.tenants["t1"].vault
    login = {"role_id": role.role_id, "secret_id": role.secret_id}
    with vault.connect(store(stack)) as client:
        auth: dict[str, Any] = http.expect(http.ask(client, "POST", "auth/approle/login", value=login), what="the tenant's login").json()
    return str(auth["auth"]["entity_id"])


def _no_partner(stack: Stack, state: State) -> None:
    del state  # there was no such group
    ask(stack, "DELETE", _GROUP)


def _help(stack: Stack, state: State) -> None:
    del state  # there was no such policy
    write(stack, _HELPDESK, {"policy": _RENEWS})


def _no_help(stack: Stack, state: State) -> None:
    del state  # there was no such policy
    ask(stack, "DELETE", _HELPDESK)


MUTANTS: Final = (
    Mutant(
        id="MUT-TEN-VAU-22",
        title="documents are encrypted by keys that are named after tenants, and the policy's star comes before the name's end",
        scope=Scope.STORE,
        controls=(PLACES,),
        prepare=_policy,
        plant=_encrypt,
        confirm=lambda stack, state: read(stack, _POLICY)["policy"] != state["policy"] and "transit/" in read(stack, "sys/mounts"),
        revert=_forget_keys,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-TEN-VAU-23",
        title="a tenant is in a group of partners, which has a neighbour's policy",
        scope=Scope.STORE,
        controls=(CONFINED,),
        plant=_partner,
        confirm=lambda stack, _state: "partners" in vault.names(store(stack), "identity/group/name"),
        revert=_no_partner,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-TEN-VAU-24",
        title="the helpdesk may make a new secret for any role, and so log in as any tenant",
        scope=Scope.STORE,
        controls=(CONFINED,),
        plant=_help,
        confirm=lambda stack, _state: "helpdesk" in vault.names(store(stack), "sys/policies/acl"),
        revert=_no_help,
        fingerprint=_fingerprint,
    ),
)
