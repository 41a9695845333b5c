"""The live handle of a site: what each component offers, gathered into one Stack."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from constat.stack import AppRole, GuardedPath, KeyPair, Listener, Login, Search, Stack, Tenant
from provision.platform.component import Guards

if TYPE_CHECKING:
    from provision.platform.component import Component, Node, Site

_CAPABILITIES = ("coordinator", "postgres", "objects", "cache", "broker", "vault", "gateway", "backups")
_SERVICES = ("identity", "property", "search")


def assemble(site: Site, components: tuple[Component, ...], *, nodes: tuple[Node, ...], run_dir: str) -> Stack:
    """Gather the stack; a component that is not there leaves its capability out."""
    names = {component.name for component in components}
    offers: dict[str, Any] = {name: _offer(name, site) for name in _CAPABILITIES if name in names}
    offers["issuer"] = _offer("identity", site) if "identity" in names else None
    offers["metrics"] = _offer("prometheus", site) if "prometheus" in names else None
    services = {name: f"https://{site.address(name, 'http')}" for name in _SERVICES if name in names}
    return Stack(
        name=site.name,
        target=site.target.name,
        provider=site.target.provider,
        disposable=site.target.disposable,
        run_dir=run_dir,
        services=services,
        search=Search(kind="postgres", url=services["search"]) if "search" in names else None,
        tenants={name: tenant_of(site, name) for name in site.target.tenants if site.recall(f"tenant/{name}/onboarded")},
        listeners=_listeners(site, nodes),
        guarded=tuple(path for component in components if isinstance(component, Guards) for path in _guarded(site, component)),
        **offers,
    )


def _offer(name: str, site: Site) -> object:
    return importlib.import_module(f"provision.platform.{name}").capability(site)


def tenant_of(site: Site, name: str) -> Tenant:
    """One tenant's identity in every store."""
    declared = site.target.tenants[name]
    return Tenant(
        organization_id=declared.organization_id,
        plan=declared.plan,
        api=Login(user=f"{name}-agent", password=site.secret(f"tenant/{name}/api")),
        objects=KeyPair(access_key=site.secret(f"tenant/{name}/objects/access"), secret_key=site.secret(f"tenant/{name}/objects/secret")),
        cache=Login(user=name, password=site.secret(f"tenant/{name}/cache")),
        broker=Login(user=name, password=site.secret(f"tenant/{name}/broker")),
        vault=AppRole(
            role_id=site.recall(f"tenant/{name}/vault/role_id") or "", secret_id=site.recall(f"tenant/{name}/vault/secret_id") or ""
        ),
    )


def _listeners(site: Site, nodes: tuple[Node, ...]) -> tuple[Listener, ...]:
    return tuple(
        Listener(
            node=node.name,
            name=socket.name,
            port=site.address(node.name, socket.name).port,
            tls=socket.tls,
            protocol=socket.protocol,
            host=site.address(node.name, socket.name).host,
        )
        for node in nodes
        for socket in node.sockets
    )


def _guarded(site: Site, component: Guards) -> list[GuardedPath]:
    return [
        GuardedPath(path=site.path(node, relative), owner=site.owner(node), mode=mode) for node, relative, mode in component.guarded(site)
    ]
