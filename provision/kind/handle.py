"""The live handle of a stack in a cluster: what the harness is told of nodes whose files are not on its machine."""

from __future__ import annotations

import dataclasses
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from constat.stack import ClusterFlow, ClusterMachine, GuardedPath, Kubernetes
from provision.kind.api import ADMINISTRATOR, AUTHORITY
from provision.kind.configuration import AUDIT_LOG, ENCRYPTION
from provision.kind.ground import quotas
from provision.kind.manifests import NODE_LABEL
from provision.kind.policies import SYSTEM
from provision.kind.site import COPIES
from provision.platform.assemble import assemble
from provision.platform.flows import flows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Listener, PostgresNode, Stack
    from provision.kind.cluster import Cluster
    from provision.kind.site import KindSite
    from provision.platform.component import Component


def handle(site: KindSite, components: tuple[Component, ...]) -> Stack:
    """Gather the stack; what is guarded are the harness's own copies, and nothing is said of paths that it cannot reach."""
    stack = assemble(site, components, nodes=site.reached, run_dir=str(site.directory))
    return dataclasses.replace(
        stack,
        guarded=tuple(guarded(site.directory / COPIES, *_keys(site))),
        listeners=tuple(_named(site, listener) for listener in stack.listeners),
        postgres=stack.postgres and dataclasses.replace(stack.postgres, nodes=tuple(_remote(site, node) for node in stack.postgres.nodes)),
    )


def kubernetes(site: KindSite, *, image: str) -> Kubernetes:
    """The cluster itself: its doors, its machines, and what was declared of it."""
    cluster, declared = site.cluster, flows(site.nodes)
    return Kubernetes(
        url=cluster.api.url,
        ca=str(site.directory / AUTHORITY),
        administrator=str(site.directory / ADMINISTRATOR),
        machines=tuple(_machine(cluster, name) for name in cluster.containers()),
        system=dict(SYSTEM),
        node_label=NODE_LABEL,
        flows=tuple(ClusterFlow(source=flow.source, node=flow.node, port=site.address(flow.node, flow.socket).port) for flow in declared),
        bounds={name: dict(quota) for name, quota in quotas(site.target).items()},
        image=image,
        audit_log=AUDIT_LOG,
        configuration=str(cluster.told),
    )


def _machine(cluster: Cluster, name: str) -> ClusterMachine:
    console = ("docker", "exec", "--interactive", name)
    return ClusterMachine(name=name, address=cluster.address(name), console=console, is_control_plane=name == cluster.control_plane)


def guarded(copies: Path, *others: Path) -> Iterator[GuardedPath]:
    """Every copy of a planned file, and other secrets that are there: whoever runs the harness owns them, and nobody else reads them."""
    owner = pwd.getpwuid(os.geteuid()).pw_name
    for path in (*sorted(copies.rglob("*")), *others):
        if path.is_file():
            yield GuardedPath(path=str(path), owner=owner, mode=0o600)


def _keys(site: KindSite) -> tuple[Path, ...]:
    """What makes somebody the cluster's administrator, or reads its Secrets."""
    return site.directory / ADMINISTRATOR, site.cluster.kubeconfig, site.cluster.told / ENCRYPTION


def _named(site: KindSite, listener: Listener) -> Listener:
    return dataclasses.replace(listener, inside=str(site.inside.address(listener.node, listener.name)))


def _remote(site: KindSite, node: PostgresNode) -> PostgresNode:
    """A server whose local socket is in its pod."""
    return dataclasses.replace(node, socket_directory="", data_directory=site.inside.path(node.name, Path(node.data_directory).name))
