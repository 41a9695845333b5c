"""What a token could do to another tenant's secrets, roles and tokens: every verb, every spelling, every described path."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Answer
from suites.tenancy.campaign import OK, Act
from suites.tenancy.secrets.ground import WORD, Planted, Speaker, answered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.vault import Path
    from constat.stack import AppRole

DENIED: Final = frozenset({"http 403"})
_NOT_SO: Final = frozenset({"http 400", "http 404", "http 405"})
# Open to every token for itself; each says or does nothing but for the one who asks.
ABOUT_ONESELF: Final = frozenset(
    {"auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self", "auth/approle/login", "sys/internal/ui/resultant-acl"}
)
_NEW: Final[dict[str, Any]] = {"data": {"canary": "constat-attack"}}
_VERSIONS: Final[dict[str, Any]] = {"versions": [1]}
# Name → method, path with a place for the secret's, and what is sent.
VERBS: Final[dict[str, tuple[str, str, dict[str, Any] | None]]] = {
    "read": ("GET", "data/{}", None),
    "read a version": ("GET", "data/{}?version=1", None),
    "read metadata": ("GET", "metadata/{}", None),
    "read the names of its fields": ("GET", "subkeys/{}", None),
    "list below it": ("LIST", "metadata/{}", None),
    "list below it in detail": ("LIST", "detailed-metadata/{}", None),
    "write": ("POST", "data/{}", _NEW),
    "put": ("PUT", "data/{}", _NEW),
    "write over version 0": ("POST", "data/{}", {**_NEW, "options": {"cas": 0}}),
    "patch": ("PATCH", "data/{}", _NEW),
    "write metadata": ("POST", "metadata/{}", {"max_versions": 1}),
    "patch metadata": ("PATCH", "metadata/{}", {"max_versions": 1}),
    "delete": ("DELETE", "data/{}", None),
    "delete a version": ("POST", "delete/{}", _VERSIONS),
    "undelete a version": ("POST", "undelete/{}", _VERSIONS),
    "destroy a version": ("PUT", "destroy/{}", _VERSIONS),
    "forget": ("DELETE", "metadata/{}", None),
}
_READS: Final = frozenset({"GET", "LIST", "SCAN"})


@dataclass(kw_only=True)
class Scene:
    """The attacker, what it has itself, and what it must not reach."""

    attacker: Speaker
    own: Planted
    victim: Planted
    victims_accessor: str
    oracle: Speaker
    # What would be changed for everybody, should the attack succeed, may be attacked.
    disposable: bool
    twins: dict[str, Answer] = field(default_factory=dict)


def verbs(scene: Scene) -> Iterator[Act]:
    """Every verb of the secrets engine on the victim's secret, beside one that exists nowhere."""
    mount, victim = scene.victim.mount, scene.victim
    for name, (method, path, value) in VERBS.items():
        there, nowhere = (f"{mount}/{path.format(key)}" for key in (victim.known, f"{victim.folder}/nowhr"))
        yield Act(
            name=name,
            twin=lambda name=name: _twin(scene, name),  # type: ignore[misc]
            forbidden=lambda m=method, p=there, v=value: scene.attacker.answer(m, p, v),  # type: ignore[misc]
            absent=lambda m=method, p=nowhere, v=value: scene.attacker.answer(m, p, v),  # type: ignore[misc]
            refusals=DENIED,
            own=scene.own.content if name in {"read", "read a version"} and scene.attacker.token else "",
            writes=method not in _READS,
            reproduction=f"{method} /v1/{there} with the token of {scene.attacker.who}",
        )


def _twin(scene: Scene, name: str) -> Answer:
    """The attacker on a secret of its own; where even that is not its to do, the administrator."""
    if name not in scene.twins:
        by = [scene.attacker, scene.oracle] if scene.attacker.token else [scene.oracle]
        answers = [_on_spare(scene, speaker, name) for speaker in by[:1]]
        scene.twins[name] = answers[0] if answers[0].kind == OK else _on_spare(scene, scene.oracle, name)
    return scene.twins[name]


def _on_spare(scene: Scene, speaker: Speaker, name: str) -> Answer:
    mount, spare = scene.own.mount, f"{scene.own.folder}/{secrets.token_hex(4)}"
    method, path, value = VERBS[name]
    if "version 0" not in name:
        for _ in range(2):
            scene.oracle.need("POST", f"{mount}/data/{spare}", {"data": {"canary": scene.own.content}})
    target = f"{mount}/{path.format(scene.own.folder if method == 'LIST' else spare)}"
    return speaker.answer(method, target, value)


def spellings(scene: Scene) -> Iterator[Act]:
    """Ways to write a path that somebody may read as the victim's, and somebody else as the attacker's own."""
    mount, own, victim = scene.victim.mount, scene.own.tenant, scene.victim.tenant
    rest = scene.victim.known.removeprefix("tenants/")
    tails = (
        *(f"tenants/{own}/{dots}{rest}" for dots in ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..%5c", "%252e%252e%252f", "./../")),
        *(f"tenants/{rest}{end}" for end in ("/", "%00", "%20", "?", "#", "%2f", "..", "%3fversion=1")),
        *(f"{start}{rest}" for start in ("tenants//", "tenants/./", "/tenants/", "Tenants/", "TENANTS/", "tenants%2f")),
        f"tenants/{victim.upper()}/{WORD}/known",
        f"tenants/{own}{victim.removeprefix(own)}/{WORD}/known",
        f"tenants/+/{WORD}/known",
        f"tenants/*/{WORD}/known",
        f"tenants/{own}*",
    )
    for tail in tails:
        for method, kind in (("GET", "data"), ("GET", "metadata"), ("DELETE", "data")):
            yield _harmless(scene, method, f"{mount}/{kind}/{tail}")
    yield _harmless(scene, "GET", f"{mount}/metadata/../data/{scene.victim.known}")
    yield _harmless(scene, "GET", f"{mount}//data/{scene.victim.known}")
    yield _harmless(scene, "GET", f"sys/../{mount}/data/{scene.victim.known}")


def listings(scene: Scene) -> Iterator[Act]:
    """Every place above the victim's secrets, listed and scanned."""
    mount, own, victim = scene.victim.mount, scene.own.tenant, scene.victim.tenant
    for kind in ("metadata", "detailed-metadata"):
        for place in (
            "",
            "tenants",
            "tenants/",
            f"tenants/{own[:1]}",
            f"tenants/{own}",
            f"tenants/{victim}",
            f"tenants/{victim}/",
            scene.victim.folder,
        ):
            for method in ("LIST", "SCAN"):
                yield _harmless(scene, method, f"{mount}/{kind}/{place}", own_only=f"tenants/{own}")
            yield _harmless(scene, "GET", f"{mount}/{kind}/{place}?list=true", own_only=f"tenants/{own}")


def _harmless(scene: Scene, method: str, path: str, *, own_only: str = "") -> Act:
    """An act whose answer may be anything that shows nothing of the victim's; a list above one's own place names others."""

    def forbidden() -> Answer:
        answer = scene.attacker.answer(method, path)
        if answer.kind != OK:
            return answer
        above = bool(own_only) and not path.partition("?")[0].rstrip("/").endswith(own_only)
        return Answer(kind=OK if above else "own only", shown=answer.shown, reached=above)

    return Act(
        name=f"{method} {path}",
        twin=lambda: _twin(scene, "read"),
        forbidden=forbidden,
        refusals=DENIED | _NOT_SO | {"own only", "http 301", "http 307", "http 308"},
        writes=method not in _READS,
        reproduction=f"{method} /v1/{path} with the token of {scene.attacker.who}",
    )


def described(scene: Scene, paths: tuple[Path, ...]) -> Iterator[Act]:
    """Every path of the server's own description that is not open to everybody: asked for, and asked about."""
    closed = [path for path in paths if not path.unauthenticated and path.url not in ABOUT_ONESELF]
    allowed = _capabilities(scene, [path.url for path in closed])
    for path in closed:
        may = [capability for capability in allowed.get(path.url, []) if capability != "deny"]
        yield Act(
            name=f"ask for {path.url}",
            twin=lambda: _twin(scene, "read"),
            forbidden=lambda path=path, may=may: _asked(scene, path, may),  # type: ignore[misc]
            # A path of another protocol wants another token, or leads elsewhere.
            refusals=DENIED | _NOT_SO | {"http 301", "http 302", "http 307", "http 401"},
        )


def _capabilities(scene: Scene, paths: list[str]) -> dict[str, list[str]]:
    """What the attacker's token may do there, by the server's own word."""
    found = scene.oracle.need("POST", "sys/capabilities", {"token": scene.attacker.token, "paths": paths})
    return {path: list(found.get(path, found.get("data", {}).get(path, []))) for path in paths}


def _asked(scene: Scene, path: Path, may: list[str]) -> Answer:
    if may:
        return Answer(kind=OK, shown=f"the server grants {', '.join(may)} there", reached=True)
    for method in sorted(path.methods & _READS):
        answer = scene.attacker.answer(method, path.url)
        if answer.kind not in DENIED:
            return answer
    return Answer(kind="http 403")


def takeovers(scene: Scene, own_role: AppRole, victims_role: AppRole) -> Iterator[Act]:
    """Ask for the victim's rights, touch its token and its role, or log in as it."""
    victim, accessor = scene.victim.tenant, {"accessor": scene.victims_accessor}
    policy = f"tenant-{victim}"
    wide = {"policy": 'path "*" { capabilities = ["read", "list"] }'}
    asked: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
        *(
            ("POST", f"auth/token/{verb}", {"policies": [policy], "no_parent": True})
            for verb in ("create", "create-orphan", f"create/{victim}")
        ),
        *(("POST", f"auth/token/{verb}-accessor", accessor) for verb in ("lookup", "renew", "revoke")),
        ("LIST", "auth/token/accessors", None),
        ("GET", f"auth/approle/role/{victim}/role-id", None),
        ("POST", f"auth/approle/role/{victim}/secret-id", {}),
        ("LIST", f"auth/approle/role/{victim}/secret-id", None),
        ("POST", f"auth/approle/role/{victim}/custom-secret-id", {"secret_id": WORD}),
        ("POST", f"auth/approle/role/{scene.own.tenant}/policies", {"token_policies": [policy]}),
        ("POST", f"auth/approle/role/{WORD}", {"token_policies": [policy]}),
        ("PUT", f"sys/policies/acl/tenant-{scene.own.tenant}", wide),
        ("PUT", f"sys/policies/acl/{WORD}", wide),
        ("GET", f"sys/policies/acl/{policy}", None),
        ("POST", "sys/capabilities-accessor", {**accessor, "paths": ["secret/"]}),
        ("POST", "identity/lookup/entity", {"alias_name": victims_role.role_id, "alias_mount_accessor": "approle"}),
        ("POST", "identity/entity", {"name": WORD, "policies": [policy]}),
        ("POST", "identity/group", {"name": WORD, "policies": [policy]}),
        ("POST", "sys/leases/lookup", {"lease_id": "database/creds/app/x"}),
        ("PUT", "sys/leases/revoke-prefix/auth/approle/login", None),
        ("LIST", "sys/leases/lookup/auth/approle/login", None),
        ("GET", "database/creds/app", None),
        ("GET", "sys/audit", None),
        ("POST", "sys/audit-hash/file", {"input": scene.victim.content}),
        ("PUT", f"sys/mounts/{WORD}", {"type": "kv"}),
        ("POST", f"sys/mounts/{scene.victim.mount}/tune", {"listing_visibility": "unauth"}),
        ("POST", "sys/remount", {"from": scene.victim.mount, "to": WORD}),
        ("GET", "sys/storage/raft/snapshot", None),
    )
    for method, path, value in asked:
        if method not in _READS and not scene.disposable:
            continue  # the server's own word on every path is asked for anyway
        yield Act(
            name=f"{method} {path}",
            twin=lambda: _twin(scene, "read"),
            forbidden=lambda m=method, p=path, v=value: scene.attacker.answer(m, p, v),  # type: ignore[misc]
            refusals=DENIED,
            writes=method not in _READS,
            reproduction=f"{method} /v1/{path} with the token of {scene.attacker.who}",
        )
    yield from _logins(scene, own_role, victims_role)


def _logins(scene: Scene, own: AppRole, victim: AppRole) -> Iterator[Act]:
    """Log in as the victim without what only it has."""

    def login(role_id: str, secret_id: str | None) -> Answer:
        value = {"role_id": role_id} | ({"secret_id": secret_id} if secret_id is not None else {})
        answer = answered(scene.attacker.ask("POST", "auth/approle/login", value))
        return Answer(kind=answer.kind, shown="a token" if answer.kind == OK else answer.shown, reached=False)

    for name, secret_id in (
        ("one's own secret", own.secret_id),
        ("no secret", None),
        ("an empty secret", ""),
        ("its role as its secret", victim.role_id),
    ):
        yield Act(
            name=f"log in as the victim with {name}",
            twin=lambda: login(own.role_id, own.secret_id),
            forbidden=lambda s=secret_id: login(victim.role_id, s),  # type: ignore[misc]
            refusals=DENIED | {"http 400", "http 401"},
        )
