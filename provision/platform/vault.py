"""Secret store: OpenBao, unsealed by itself at every start; a policy and an AppRole for each tenant."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import httpx

from constat import deadlines, wait
from constat.errors import NotReady
from constat.stack import Vault
from provision.platform import bao
from provision.platform.bao import ADMIN, NODE
from provision.platform.component import File, Node, Plan, Process, Socket
from provision.platform.rendering import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.target import Target
    from provision.platform.component import Site

MOUNT: Final = "secret"
CONFIGURATION: Final = "server.hcl"
START: Final = "start.sh"
STORAGE: Final = "raft"
AUDIT_LOG: Final = "audit.log"
SEAL_KEY: Final = "seal.key"
BOOTSTRAPPING: Final = "bootstrapping"
MONITOR: Final = "monitor"
# A periodic token lives as long as it is renewed within its period: the longest that the server grants.
PERIOD: Final = "768h"
# How long what a tenant gets is good for: a token, one that is renewed, and what it logs in with.
LASTS: Final = {"token_ttl": "15m", "token_max_ttl": "1h", "secret_id_ttl": "768h"}
VERSIONS_KEPT: Final = 10


class VaultComponent:
    """One server with its own storage, reached over TLS only."""

    name = "vault"
    requires = ()
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node; nobody else ever connects to its cluster port, but the storage insists on one."""
        del target  # the same for every target
        sockets = (Socket(name="api", tls=True, protocol="https"), Socket(name="cluster", tls=True, protocol="raft"))
        return (Node(name=NODE, sockets=sockets, durable=True),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, the key that unseals it, and the server."""
        return Plan(
            files=(
                File(node=NODE, path=CONFIGURATION, content=_configuration(site)),
                File(node=NODE, path=START, content=_start(site)),
                File(node=NODE, path=SEAL_KEY, content=_seal_key(site), mode=0o400),
            ),
            processes=(Process(name="openbao", node=NODE, command=("/bin/sh", site.path(NODE, START))),),
        )

    def ready(self, site: Site) -> None:
        """Ask for its health and for a token that it must know: it answers before it has made the first."""
        with bao.connect(site, token="") as client:
            answer = client.get("sys/health")
        if answer.status_code != httpx.codes.OK:
            msg = f"secret store answers {answer.status_code} on sys/health, expected 200 (unsealed and active); its log says why"
            raise NotReady(msg)
        _working_token(site)

    def configure(self, site: Site) -> None:
        """Give the administrator a token, end the bootstrap, and mount what tenants use."""
        _appoint_administrator(site)
        with bao.administration(site) as client:
            _end_bootstrap(client, site)
            bao.write(client, f"sys/policies/acl/{ADMIN}", policy=render("vault/admin.hcl.j2"))
            bao.write(client, f"sys/policies/acl/{MONITOR}", policy=render("vault/monitor.hcl.j2"))
            bao.mount(client, MOUNT, type="kv", options={"version": "2"})
            bao.mount(client, "approle", within="sys/auth", type="approle")
            wait.until(lambda: _bound_versions(client), what=f"mount {MOUNT!r} is usable", within=deadlines.SERVICE_ANSWERS, every=0.05)
            _issue_once(client, site, MONITOR)

    def onboard(self, site: Site, tenant: str) -> None:
        """Create the tenant's policy and AppRole, and keep its identity; one that still works stays."""
        with bao.administration(site) as client:
            bao.write(client, f"sys/policies/acl/{_policy(tenant)}", policy=render("vault/tenant.hcl.j2", mount=MOUNT, tenant=tenant))
            bao.write(client, _role(tenant), token_policies=[_policy(tenant)], token_no_default_policy=True, **LASTS)
            site.keep(f"tenant/{tenant}/vault/role_id", str(bao.read(client, f"{_role(tenant)}/role-id")["role_id"]))
            if not _has_secret_id(client, site, tenant):
                site.keep(f"tenant/{tenant}/vault/secret_id", str(bao.write(client, f"{_role(tenant)}/secret-id")["data"]["secret_id"]))

    def offboard(self, site: Site, tenant: str) -> None:
        """Remove the AppRole, its tokens, the policy and every secret of the tenant with all its versions."""
        with bao.administration(site) as client:
            bao.ask(client, "DELETE", _role(tenant))
            for accessor in _accessors(client, tenant):
                bao.write(client, "auth/token/revoke-accessor", accessor=accessor)
            bao.ask(client, "DELETE", f"sys/policies/acl/{_policy(tenant)}")
            for path in _secrets(client, tenant):
                bao.ask(client, "DELETE", f"{MOUNT}/metadata/tenants/{tenant}/{path}")

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its storage, its audit log, the key that unseals it, and its configuration."""
        del site  # the same everywhere
        return (
            (NODE, STORAGE, 0o700),
            (NODE, AUDIT_LOG, 0o600),
            (NODE, SEAL_KEY, 0o400),
            (NODE, CONFIGURATION, 0o600),
            (NODE, "key.pem", 0o600),
        )


def capability(site: Site) -> Vault:
    """The secret store as suites see it, with the administrator's token."""
    return Vault(url=f"https://{site.address(NODE, 'api')}", admin_token=site.recall(f"vault/{ADMIN}") or "", ca=site.ca_path, mount=MOUNT)


def _configuration(site: Site) -> str:
    seal_key = _seal_key(site)
    return render(
        "vault/server.hcl.j2",
        node=NODE,
        bind=site.bind(NODE),
        api=site.address(NODE, "api"),
        cluster=site.address(NODE, "cluster"),
        certificate=site.certificate(NODE),
        storage=site.path(NODE, STORAGE),
        audit_log=site.path(NODE, AUDIT_LOG),
        seal_key=site.path(NODE, SEAL_KEY),
        # Names the key without giving it away, as the server's manual advises.
        seal_key_id=hashlib.sha256(seal_key.encode()).hexdigest()[:12],
        admin_policy=ADMIN,
        admin_rules=render("vault/admin.hcl.j2").strip(),
        bootstrap_token=_bootstrap_token(site),
        period=PERIOD,
    )


def _start(site: Site) -> str:
    return render(
        "vault/start.sh.j2",
        storage=site.path(NODE, STORAGE),
        mark=site.path(NODE, BOOTSTRAPPING),
        program=site.program("bao"),
        configuration=site.path(NODE, CONFIGURATION),
    )


def _seal_key(site: Site) -> str:
    """The 32 bytes in hexadecimal that the server wants, made of the secret that the escrow keeps."""
    return hashlib.sha256(site.secret("vault/unseal").encode()).hexdigest()


def _bootstrap_token(site: Site) -> str:
    return site.secret("vault/bootstrap")


def _working_token(site: Site) -> str:
    """The administrator's token, or the bootstrap token while there is none; NotReady when the server knows neither."""
    for token in (site.recall(f"vault/{ADMIN}"), _bootstrap_token(site)):
        if token and _is_known(site, token):
            return token
    msg = "secret store knows neither the administrator's nor the bootstrap token; if it stays so, run `constat down`, then `constat up`"
    raise NotReady(msg)


def _is_known(site: Site, token: str) -> bool:
    """Whether the server knows a token of ours; it is renewed by the same question."""
    with bao.connect(site, token=token) as client:
        return client.post("auth/token/renew-self").status_code == httpx.codes.OK


def _appoint_administrator(site: Site) -> None:
    """Keep a token for the administrator before anything else that could not be done twice."""
    token = _working_token(site)
    if token == _bootstrap_token(site):
        with bao.connect(site, token=token) as client:
            site.keep(f"vault/{ADMIN}", _issue(client, ADMIN))


def _end_bootstrap(client: httpx.Client, site: Site) -> None:
    """Take the mark away first: from here on the storage is worth keeping."""
    site.run(NODE, ("/bin/rm", "-f", site.inside.path(NODE, BOOTSTRAPPING)))
    if _is_known(site, _bootstrap_token(site)):
        bao.write(client, "auth/token/revoke", token=_bootstrap_token(site))


def _bound_versions(client: httpx.Client) -> None:
    """Bound how many versions of a secret are kept; NotReady while the new mount is being prepared."""
    answer = client.post(f"{MOUNT}/config", json={"max_versions": VERSIONS_KEPT})
    if answer.status_code == httpx.codes.BAD_REQUEST and "Upgrading" in answer.text:
        raise NotReady(answer.text.strip())
    bao.expect(answer)


def _issue_once(client: httpx.Client, site: Site, policy: str) -> None:
    known = site.recall(f"vault/{policy}")
    if not known or not _is_known(site, known):
        site.keep(f"vault/{policy}", _issue(client, policy))


def _issue(client: httpx.Client, policy: str) -> str:
    issued = bao.write(client, "auth/token/create-orphan", display_name=policy, policies=[policy], period=PERIOD, no_default_policy=True)
    return str(issued["auth"]["client_token"])


def _policy(tenant: str) -> str:
    return f"tenant-{tenant}"


def _role(tenant: str) -> str:
    return f"auth/approle/role/{tenant}"


def _has_secret_id(client: httpx.Client, site: Site, tenant: str) -> bool:
    """Whether the kept secret_id is still one of the role's: the server answers with nothing when it is not."""
    kept = site.recall(f"tenant/{tenant}/vault/secret_id")
    return bool(kept) and bool(bao.ask(client, "POST", f"{_role(tenant)}/secret-id/lookup", {"secret_id": kept}))


def _accessors(client: httpx.Client, tenant: str) -> Iterator[str]:
    """Every token that the tenant's role has issued."""
    for accessor in bao.keys(client, "LIST", "auth/token/accessors"):
        answer = client.post("auth/token/lookup-accessor", json={"accessor": accessor})
        # One that has expired since it was listed is refused.
        if answer.is_success and (answer.json()["data"]["meta"] or {}).get("role_name") == tenant:
            yield accessor


def _secrets(client: httpx.Client, tenant: str) -> list[str]:
    return [key for key in bao.keys(client, "SCAN", f"{MOUNT}/metadata/tenants/{tenant}/") if not key.endswith("/")]


COMPONENT: Final = VaultComponent()
