"""Defects of the secret store's policies, roles and leases that people really make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import http, vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack, Vault

SECRETS, PLACES, CONFINED, REVOKED = "TEN-VAU-01", "TEN-VAU-02", "TEN-VAU-03", "TEN-VAU-04"
_TENANT: Final = "t1"
_POLICY: Final = f"sys/policies/acl/tenant-{_TENANT}"
_ROLE: Final = f"auth/approle/role/{_TENANT}"
_NEW: Final = "sys/policies/acl/support"
_ISSUED: Final = "database/roles/app"
_MISSING: Final = 404
# What is set anew of a role; the rest keeps its value.
_OF_ROLE: Final = ("token_policies", "bind_secret_id", "token_bound_cidrs")


def policy(mutant_id: str, title: str, change: Callable[[str], str], *, controls: tuple[str, ...]) -> Mutant:
    """Make a mutant of a change of a tenant's policy."""
    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STORE,
        controls=controls,
        prepare=lambda stack: {"policy": _policy(stack)},
        plant=lambda stack, state: write(stack, _POLICY, {"policy": change(state["policy"])}),
        confirm=lambda stack, state: _policy(stack) != state["policy"],
        revert=lambda stack, state: write(stack, _POLICY, {"policy": state["policy"]}),
        fingerprint=_fingerprint,
    )


def fields(mutant_id: str, title: str, path: str, names: tuple[str, ...], changed: dict[str, Any], *, controls: tuple[str, ...]) -> Mutant:
    """Make a mutant of some fields of what is at a path; `names` are the fields that are put back."""
    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.STORE,
        controls=controls,
        prepare=lambda stack: {"fields": {name: read(stack, path)[name] for name in names}},
        plant=lambda stack, _state: write(stack, path, changed),
        confirm=lambda stack, _state: all(read(stack, path)[name] == value for name, value in changed.items()),
        revert=lambda stack, state: write(stack, path, state["fields"]),
        fingerprint=_fingerprint,
    )


def store(stack: Stack) -> Vault:
    """The secret store; Unobservable where there is none."""
    return needed(stack.vault, "secret store")


def ask(stack: Stack, method: str, path: str, value: dict[str, Any] | None = None) -> http.Reply:
    """Ask as the administrator, whatever comes back."""
    known = store(stack)
    with vault.connect(known, token=known.admin_token) as client:
        return http.ask(client, method, path, value=value)


def read(stack: Stack, path: str) -> dict[str, Any]:
    """What is at a path; Unobservable where nothing is."""
    return dict(http.expect(ask(stack, "GET", path), what=path).json()["data"])


def write(stack: Stack, path: str, value: dict[str, Any]) -> None:
    """Write it; Unobservable unless it succeeds."""
    http.expect(ask(stack, "POST", path, value), what=path)


def _policy(stack: Stack) -> str:
    return str(read(stack, _POLICY)["policy"])


def _fingerprint(stack: Stack) -> str:
    """Every policy and what is said of the role, and how issued logins are revoked where some are."""
    known = store(stack)
    lines = [
        f"{name} {read(stack, f'sys/policies/acl/{name}')['policy']}"
        for name in sorted(vault.names(known, "sys/policies/acl"))
        if name != "root"
    ]
    issued = ask(stack, "GET", _ISSUED)
    told = issued.json()["data"]["revocation_statements"] if issued.status != _MISSING else []
    return "\n".join([*lines, str(sorted((name, str(value)) for name, value in read(stack, _ROLE).items())), str(told)])


def _support(stack: Stack, state: State) -> None:
    del state  # there was none
    write(stack, _NEW, {"policy": 'path "secret/data/tenants/+/*" { capabilities = ["read"] }'})


def _no_support(stack: Stack, state: State) -> None:
    del state  # there was none
    ask(stack, "DELETE", _NEW)


def rule(path: str, *capabilities: str) -> Callable[[str], str]:
    """A change of a policy: one more path, with these capabilities."""
    words = ", ".join(f'"{capability}"' for capability in capabilities)
    return lambda text: f'{text}\npath "{path}" {{ capabilities = [{words}] }}\n'


MUTANTS: Final = (
    policy(
        "MUT-TEN-VAU-01",
        "the policy's path lost the slash before its star, and t1 is how t10 begins",
        lambda text: text.replace(f"tenants/{_TENANT}/*", f"tenants/{_TENANT}*"),
        controls=(SECRETS, CONFINED),
    ),
    policy(
        "MUT-TEN-VAU-02",
        "a tenant may list above its own place, because the web page began there",
        rule("secret/metadata/tenants/", "list"),
        controls=(SECRETS,),
    ),
    policy(
        "MUT-TEN-VAU-03",
        "old versions may be destroyed everywhere, by a clean-up with the tenants' policy",
        rule("secret/destroy/*", "update"),
        controls=(SECRETS,),
    ),
    policy(
        "MUT-TEN-VAU-04",
        "the names of fields may be read everywhere, for a form",
        rule("secret/subkeys/*", "read"),
        controls=(SECRETS, CONFINED),
    ),
    policy(
        "MUT-TEN-VAU-05",
        "a tenant may end tokens by their accessors, to sign its agents out",
        rule("auth/token/revoke-accessor", "update"),
        controls=(PLACES,),
    ),
    policy(
        "MUT-TEN-VAU-06",
        "a tenant may make secrets for roles, and the path has a plus where its name should be",
        rule("auth/approle/role/+/secret-id", "update"),
        controls=(PLACES,),
    ),
    fields(
        "MUT-TEN-VAU-07",
        "a role was given a neighbour's policy besides its own when they were one customer",
        _ROLE,
        _OF_ROLE,
        {"token_policies": [f"tenant-{_TENANT}", "tenant-t10"]},
        controls=(SECRETS, CONFINED),
    ),
    fields(
        "MUT-TEN-VAU-08",
        "a role asks for no secret, but only for an address that everybody has",
        _ROLE,
        _OF_ROLE,
        {"bind_secret_id": False, "token_bound_cidrs": ["127.0.0.1"]},
        controls=(CONFINED,),
    ),
    Mutant(
        id="MUT-TEN-VAU-09",
        title="a policy for support reads every tenant's secrets",
        scope=Scope.STORE,
        controls=(CONFINED,),
        plant=_support,
        confirm=lambda stack, _state: "support" in vault.names(store(stack), "sys/policies/acl"),
        revert=_no_support,
        fingerprint=_fingerprint,
    ),
    fields(
        "MUT-TEN-VAU-10",
        "the statement that takes an issued login back was emptied while somebody looked into a time-out",
        _ISSUED,
        ("revocation_statements",),
        {"revocation_statements": ["SELECT 1"]},
        controls=(REVOKED,),
    ),
)
