"""What holds in every namespace: Pod Security, quotas, and a network in which nothing flows that is not declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provision.kind.manifests import NODE_LABEL, STACK_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from provision.kind.api import Manifest
    from provision.kind.places import Place
    from provision.platform.flows import Flow

LEVEL: Final = "restricted"
NAME_LABEL: Final = "kubernetes.io/metadata.name"
# What a namespace may hold: the platform's own, and a tenant's.
PLATFORM_QUOTA: Final = {
    "pods": "40",
    "requests.cpu": "2",
    "requests.memory": "4Gi",
    "limits.memory": "64Gi",
    "persistentvolumeclaims": "20",
    "requests.storage": "64Gi",
    "services.loadbalancers": "0",
}
TENANT_QUOTA: Final = {
    "pods": "5",
    "requests.cpu": "500m",
    "requests.memory": "512Mi",
    "limits.memory": "1Gi",
    "persistentvolumeclaims": "2",
    "requests.storage": "2Gi",
    "services.nodeports": "0",
    "services.loadbalancers": "0",
}


# What Kubernetes itself brings, and nobody is meant to use: as closed as the platform's own.
UNUSED: Final = ("default", "kube-node-lease", "kube-public")
# The cluster's own parts, which need what the standard forbids.
SYSTEM: Final = {
    "kube-system": "the control plane, the name server and the network are here",
    "local-path-storage": "what makes volumes of the machines' own directories is here",
}


def namespace(name: str, stack: str) -> Manifest:
    """A namespace in which only confined pods are admitted."""
    levels = {f"pod-security.kubernetes.io/{mode}": LEVEL for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {STACK_LABEL: stack, **levels}}}


def bounds(name: str, stack: str, quota: Mapping[str, str]) -> tuple[Manifest, Manifest]:
    """How much a namespace may hold, and what a container gets that does not say."""
    metadata = {"name": "bounds", "namespace": name, "labels": {STACK_LABEL: stack}}
    limits = {"type": "Container", "default": {"memory": "128Mi"}, "defaultRequest": {"cpu": "10m", "memory": "32Mi"}}
    return (
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": dict(quota)}},
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limits]}},
    )


def closed(name: str, stack: str) -> tuple[Manifest, Manifest]:
    """Nothing goes in or out but questions to the cluster's name server."""
    server = {"namespaceSelector": {"matchLabels": {NAME_LABEL: "kube-system"}}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    resolver = {"to": [server], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
    return (
        _policy("default-deny", name, stack, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        _policy("name-server", name, stack, {"podSelector": {}, "policyTypes": ["Egress"], "egress": [resolver]}),
    )


def opened(
    place: Place, stack: str, *, known: Mapping[str, Place], flows: Iterable[Flow], port: Callable[[str, str], int], door: str
) -> Manifest:
    """Exactly the declared flows of one node, and the harness' own way to its sockets through the door."""
    flows = tuple(flows)
    ingress = [
        {"from": [_pods(known[flow.source])], "ports": [_port(port(flow.node, flow.socket))]} for flow in flows if flow.node == place.name
    ]
    egress = [
        {"to": [_pods(known[flow.node])], "ports": [_port(port(flow.node, flow.socket))]} for flow in flows if flow.source == place.name
    ]
    reached = [_port(port(place.name, socket.name)) for socket in place.node.sockets if not socket.own]
    if reached:
        ingress.append({"from": [{"ipBlock": {"cidr": f"{door}/32"}}], "ports": reached})
    spec = {
        "podSelector": {"matchLabels": {NODE_LABEL: place.name}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }
    return _policy(f"node-{place.name}", place.namespace, stack, spec)


def _pods(place: Place) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {NAME_LABEL: place.namespace}},
        "podSelector": {"matchLabels": {NODE_LABEL: place.name}},
    }


def _port(port: int) -> Manifest:
    return {"protocol": "TCP", "port": port}


def _policy(name: str, namespace: str, stack: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "labels": {STACK_LABEL: stack}},
        "spec": spec,
    }
