"""A node of the platform as Kubernetes objects: its planned files as a Secret, its processes as one pod, its sockets as a Service."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provision.kind.places import PODS, ROOT
from provision.kind.site import ACCOUNT, TEMPORARY, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provision.kind.api import Manifest
    from provision.kind.places import Place
    from provision.platform.component import File, Process

NODE_LABEL: Final = "constat.dev/node"
COMPONENT_LABEL: Final = "constat.dev/component"
STACK_LABEL: Final = "constat.dev/stack"
DIGEST: Final = "constat.dev/plan"
PLANNED: Final = "/planned"
PLACE: Final = "place"  # the script that puts planned files where they belong
MEMORY_LIMIT: Final = "1Gi"
STORAGE: Final = "2Gi"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Everything that one node consists of."""

    place: Place
    stack: str
    image: str
    processes: tuple[Process, ...]
    files: tuple[File, ...]
    directories: tuple[str, ...]
    peers: int  # how many nodes its component has: they are spread over the machines
    address_of: Mapping[str, int]  # the port of each of its sockets


def manifests(workload: Workload) -> tuple[Manifest, ...]:
    """The node's objects, in the order in which they are needed."""
    return (_account(workload), _files(workload), _pod_set(workload))


def service(place: Place, stack: str, ports: Mapping[str, int]) -> Manifest:
    """The node's name and its mapped ports; it has them before it answers, because it is asked whether it does."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(place, stack),
        "spec": {
            "type": "NodePort",
            "publishNotReadyAddresses": True,
            "selector": {NODE_LABEL: place.name},
            "ports": [
                {"name": name, "port": port, "targetPort": port, "nodePort": port, "protocol": "TCP"} for name, port in ports.items()
            ],
        },
    }


def pods_service(namespace: str, stack: str) -> Manifest:
    """The service behind whose names are the pods' own addresses."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": PODS, "namespace": namespace, "labels": {STACK_LABEL: stack}},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {STACK_LABEL: stack},
            # Nobody listens there; some name servers leave a service without a port out.
            "ports": [{"name": "none", "port": 1, "protocol": "TCP"}],
        },
    }


def disruption_budget(component: str, namespace: str, stack: str) -> Manifest:
    """Of a component with several nodes, one at most is taken away by an orderly drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": component, "namespace": namespace, "labels": {STACK_LABEL: stack}},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {COMPONENT_LABEL: component}}},
    }


def placing(workload: Workload) -> str:
    """The script that makes the node's directories and puts its files there, with their modes."""
    own = workload.place.directory
    parents = {f"{own}/{file.path}".rpartition("/")[0] for file in workload.files}
    made = sorted({own, *parents, *(f"{own}/{path}" for path in (TEMPORARY, *workload.directories))})
    lines = [f"mkdir -p {shlex.quote(path)}" for path in made]
    lines += [
        f"install -m {file.mode:o} {PLANNED}/{number} {shlex.quote(f'{own}/{file.path}')}" for number, file in enumerate(workload.files)
    ]
    return "\n".join(["set -eu", "umask 077", *lines]) + "\n"


def _account(workload: Workload) -> Manifest:
    """An identity of its own, which nothing is granted and whose token is not given to it."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(workload.place, workload.stack),
        "automountServiceAccountToken": False,
    }


def _files(workload: Workload) -> Manifest:
    data = {str(number): _encoded(file.content) for number, file in enumerate(workload.files)}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(workload.place, workload.stack),
        "type": "Opaque",
        "data": {**data, PLACE: _encoded(placing(workload))},
    }


def _pod_set(workload: Workload) -> Manifest:
    place = workload.place
    spec = {
        "serviceName": PODS,
        "replicas": 1,
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {NODE_LABEL: place.name}},
        "template": {
            "metadata": {"labels": _labels(place, workload.stack), "annotations": {DIGEST: digest(workload)}},
            "spec": _pod(workload),
        },
        "volumeClaimTemplates": [_claim()] if place.node.durable else [],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": _metadata(place, workload.stack), "spec": spec}


def digest(workload: Workload) -> str:
    """What the pod is made of: it is replaced when this changes."""
    parts = [[file.path, _encoded(file.content), file.mode] for file in workload.files]
    told = [[process.name, list(process.command), sorted(process.environment.items())] for process in workload.processes]
    return hashlib.sha256(json.dumps([workload.image, workload.directories, parts, told]).encode()).hexdigest()


def _pod(workload: Workload) -> Manifest:
    place = workload.place
    volumes: list[Manifest] = [
        {"name": "planned", "secret": {"secretName": place.name, "defaultMode": 0o444}},
        {"name": "scratch", "emptyDir": {}},
    ]
    if not place.node.durable:
        volumes.append({"name": "directory", "emptyDir": {}})
    return {
        "serviceAccountName": place.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": max(process.stop_seconds for process in workload.processes),
        # A node reaches itself without leaving its pod.
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": [place.host]}],
        "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": ACCOUNT,
            "runAsGroup": ACCOUNT,
            "fsGroup": ACCOUNT,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": _spread(place.component) if workload.peers > 1 else [],
        "initContainers": [_placer(workload)],
        "containers": [_container(workload, process, with_ports=number == 0) for number, process in enumerate(workload.processes)],
        "volumes": volumes,
    }


def _spread(component: str) -> list[Manifest]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            # The control plane takes none of them, and does not count as a machine without any.
            "nodeTaintsPolicy": "Honor",
            "labelSelector": {"matchLabels": {COMPONENT_LABEL: component}},
        }
    ]


def _placer(workload: Workload) -> Manifest:
    return {
        "name": PLACE,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", f"{PLANNED}/{PLACE}"],
        "resources": _resources(),
        "securityContext": _confined(),
        "volumeMounts": [{"name": "directory", "mountPath": ROOT}, {"name": "planned", "mountPath": PLANNED, "readOnly": True}],
    }


def _container(workload: Workload, process: Process, *, with_ports: bool) -> Manifest:
    told = {**environment(workload.place), **process.environment}
    return {
        "name": process.name,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [_literal(word) for word in process.command],
        "workingDir": workload.place.directory,
        "env": [{"name": name, "value": _literal(value)} for name, value in told.items()],
        "ports": [{"containerPort": port, "protocol": "TCP"} for port in workload.address_of.values()] if with_ports else [],
        "resources": _resources(),
        "securityContext": _confined(),
        "volumeMounts": [{"name": "directory", "mountPath": ROOT}, {"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108 - in the pod
    }


def _resources() -> Manifest:
    return {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": MEMORY_LIMIT}}


def _confined() -> Manifest:
    return {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def _claim() -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "directory"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": STORAGE}}},
    }


def _metadata(place: Place, stack: str) -> Manifest:
    return {"name": place.name, "namespace": place.namespace, "labels": _labels(place, stack)}


def _labels(place: Place, stack: str) -> dict[str, str]:
    return {STACK_LABEL: stack, NODE_LABEL: place.name, COMPONENT_LABEL: place.component}


def _literal(word: str) -> str:
    """Kubernetes puts variables into `$(NAME)`; a shell's own words are not meant."""
    return word.replace("$(", "$$(")


def _encoded(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
