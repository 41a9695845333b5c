"""What `kind` is told of the cluster: nodes, ports, mounts, audit policy, encryption of Secrets; all from the target."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Cluster

# Where the control plane finds what it is told, and keeps what was asked of it.
TOLD: Final = "/etc/constat"
AUDIT_LOG: Final = "/var/log/kubernetes/audit.log"
AUDIT_POLICY: Final = "audit.json"
ENCRYPTION: Final = "encryption.json"
CONFIGURATION: Final = "kind.json"
LOOPBACK: Final = "127.0.0.1"
POD_SUBNET: Final = "10.244.0.0/16"
SERVICE_SUBNET: Final = "10.96.0.0/16"
# Asked by the cluster of itself, many times a second.
_NOISE: Final = ("/healthz*", "/livez*", "/readyz*", "/version", "/openapi/*")

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A cluster as it is asked for."""

    name: str
    stack_id: str
    told: str  # directory on this machine that becomes TOLD in the control plane
    ports: tuple[int, ...]  # the same on this machine's loopback, in the cluster, and in the pods
    cluster: Cluster


def configuration(plan: Plan) -> Document:
    """The configuration that `kind create cluster` reads; JSON is YAML."""
    mounts = [_mount(source, path) for source, path in plan.cluster.mounts.items()]
    labels = {"constat.dev/stack": plan.stack_id}
    first = {
        "role": "control-plane",
        "labels": labels,
        "extraMounts": [_mount(plan.told, TOLD), *mounts],
        "extraPortMappings": [_port(port) for port in plan.ports],
    }
    # Every node carries the mount: it is by this that the stack's containers are known as ours.
    worker = {"role": "worker", "labels": labels, "extraMounts": [_mount(plan.told, TOLD), *mounts]}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": plan.name,
        "networking": {
            "ipFamily": "ipv4",
            "apiServerAddress": LOOPBACK,
            "podSubnet": POD_SUBNET,
            "serviceSubnet": SERVICE_SUBNET,
        },
        "kubeadmConfigPatches": [json.dumps(_api_server()), *plan.cluster.kubeadm_patches],
        "nodes": [first, *([worker] * plan.cluster.workers)],
    }


def audit_policy() -> Document:
    """Who did what to which object; of Secrets and tokens never the content."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "nonResourceURLs": list(_NOISE)},
            {"level": "None", "users": ["system:kube-scheduler", "system:kube-controller-manager"], "verbs": ["get", "list", "watch"]},
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            {"level": "Metadata"},
        ],
    }


def encryption(secret: str) -> Document:
    """Secrets are encrypted before they reach etcd; the key is made of a secret of the stack."""
    key = base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {"resources": ["secrets"], "providers": [{"secretbox": {"keys": [{"name": "constat", "secret": key}]}}, {"identity": {}}]}
        ],
    }


def files(plan: Plan, secret: str) -> Mapping[str, Document]:
    """Every file of the directory that the control plane is shown, by name."""
    return {AUDIT_POLICY: audit_policy(), ENCRYPTION: encryption(secret), CONFIGURATION: configuration(plan)}


def _api_server() -> Document:
    arguments = {
        "audit-policy-file": f"{TOLD}/{AUDIT_POLICY}",
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxsize": "50",
        "audit-log-maxbackup": "2",
        "encryption-provider-config": f"{TOLD}/{ENCRYPTION}",
    }
    volumes = [
        {"name": "constat", "hostPath": TOLD, "mountPath": TOLD, "readOnly": True, "pathType": "Directory"},
        {
            "name": "audit",
            "hostPath": AUDIT_LOG.rpartition("/")[0],
            "mountPath": AUDIT_LOG.rpartition("/")[0],
            "pathType": "DirectoryOrCreate",
        },
    ]
    return {"kind": "ClusterConfiguration", "apiServer": {"extraArgs": arguments, "extraVolumes": volumes}}


def _mount(source: str, path: str) -> Document:
    return {"hostPath": source, "containerPath": path, "readOnly": True}


def _port(port: int) -> Document:
    return {"containerPort": port, "hostPort": port, "listenAddress": LOOPBACK, "protocol": "TCP"}
