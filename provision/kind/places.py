"""Where a node is found in the cluster: its namespace, its names, its directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Target
    from provision.platform.component import Component, Node

PLATFORM: Final = "viridial"
MONITORING: Final = f"{PLATFORM}-monitoring"
ENVIRONMENTS: Final = ("staging", "production")
_WATCHERS: Final = frozenset({"prometheus", "alertmanager", "exporters"})
DOMAIN: Final = "svc.cluster.local"
# The one service without an address of its own: behind its names are the pods themselves.
PODS: Final = "pods"
# Every node's directory is below this in its pod.
ROOT: Final = "/var/lib/constat"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A node in the cluster."""

    node: Node
    component: str
    namespace: str

    @property
    def name(self) -> str:
        """The node's name, which is also its workload's and its service's."""
        return self.node.name

    @property
    def pod(self) -> str:
        """Its one pod."""
        return f"{self.name}-0"

    @property
    def host(self) -> str:
        """The name by which other nodes reach it."""
        return f"{self.name}.{self.namespace}.{DOMAIN}"

    @property
    def pod_host(self) -> str:
        """The name behind which is its pod's own address, from which its connections come."""
        return f"{self.pod}.{PODS}.{self.namespace}.{DOMAIN}"

    @property
    def directory(self) -> str:
        """Its directory, as it sees it."""
        return f"{ROOT}/{self.name}"


def places(components: tuple[Component, ...], target: Target) -> dict[str, Place]:
    """Where each node of the components is, by the node's name."""
    return {
        node.name: Place(node=node, component=component.name, namespace=namespace(component.name, target))
        for component in components
        for node in component.nodes(target)
    }


def namespace(component: str, target: Target) -> str:
    """The namespace of a component: those that watch the platform live apart from it."""
    return MONITORING if component in _WATCHERS else f"{PLATFORM}-{_environment(target)}"


def namespaces(target: Target) -> tuple[str, ...]:
    """Every namespace of the platform and of its tenants' workloads."""
    platform = {f"{PLATFORM}-{environment}" for environment in (*ENVIRONMENTS, _environment(target))}
    return (*sorted(platform), MONITORING, *(tenant_namespace(tenant) for tenant in sorted(target.tenants)))


def tenant_namespace(tenant: str) -> str:
    """Where a tenant's own workload runs."""
    return f"{PLATFORM}-tenant-{tenant}"


def certificate_names(place: Place, known: Mapping[str, Place]) -> tuple[str, ...]:
    """What a node's certificate is good for: its own names, those that it answers under, and this machine's loopback."""
    fronts = tuple(known[front].host for front in place.node.behind if front in known)
    return ("localhost", "127.0.0.1", place.name, place.host, place.pod_host, *fronts)


def _environment(target: Target) -> str:
    return str(target.environment)
