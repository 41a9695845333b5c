"""Facts of a cluster, asked of its API, and what its machines see when their root looks."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from constat import deadlines
from constat.errors import Unobservable
from constat.needed import needed
from constat.observe import http
from constat.observe.http import Certificate, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constat.stack import ClusterMachine, Kubernetes, Stack

Object = dict[str, Any]
# An act that is decided upon as any other, and not carried out.
DRY_RUN: Final = {"dryRun": "All"}
FORBIDDEN: Final = 403
UNAUTHORIZED: Final = 401
NOT_FOUND: Final = 404
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
_LAST_WORDS: Final = 300


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod that has a place: its containers by id, as the kubelet names them."""

    namespace: str
    name: str
    uid: str
    machine: str
    address: str
    labels: dict[str, str]
    containers: dict[str, str]  # id → name
    on_host: bool

    def __str__(self) -> str:
        """As findings call it."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service with an address of its own; each port leads to one of its pods'."""

    namespace: str
    name: str
    address: str
    selector: dict[str, str]
    ports: tuple[tuple[int, int, int], ...]  # port, target, node port (0 without)

    def __str__(self) -> str:
        """As findings call it."""
        return f"{self.namespace}/{self.name}"


def required(stack: Stack) -> Kubernetes:
    """The cluster of a stack; Unobservable when it has none."""
    return needed(stack.kubernetes, "cluster")


def administrator(cluster: Kubernetes) -> httpx.Client:
    """Speak to the API as its administrator."""
    certificate = Certificate(cert=cluster.administrator)
    return http.client(cluster.ca, cluster.url, certificate=certificate, seconds=deadlines.CLUSTER_ANSWERS)


def bearer(cluster: Kubernetes, token: str) -> httpx.Client:
    """Speak to the API with a token; as nobody when it is empty."""
    headers = {"Authorization": f"Bearer {token}"} if token else None
    return http.client(cluster.ca, cluster.url, headers=headers, seconds=deadlines.CLUSTER_ANSWERS)


def ask(
    client: httpx.Client,
    method: str,
    path: str,
    *,
    value: object = None,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
) -> Reply:
    """Ask over a connection that is kept; Unobservable when no HTTP answer comes back."""

    def once() -> Reply:
        try:
            answer = client.request(method, path, json=value, params=dict(params or {}), headers=httpx.Headers(headers or {}))
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            msg = f"no answer to {method} {path!r} of {str(client.base_url)!r}: {type(problem).__name__}: {problem}"
            raise Unobservable(msg) from None
        return Reply(status=answer.status_code, headers={k.lower(): v for k, v in answer.headers.items()}, body=answer.content)

    return http.unhurried(once)


def items(client: httpx.Client, path: str) -> tuple[Object, ...]:
    """Every object of a collection; Unobservable when it is refused."""
    return tuple(http.expect(ask(client, "GET", path), what=path).json()["items"])


def message(reply: Reply) -> str:
    """What the server says of an answer."""
    try:
        return str(reply.json().get("message", ""))
    except (Unobservable, AttributeError):
        return reply.text


def namespaces(client: httpx.Client, cluster: Kubernetes) -> tuple[str, ...]:
    """Every namespace that is there, without those of the cluster itself; Unobservable when there is none."""
    found = tuple(name for entry in items(client, "/api/v1/namespaces") if (name := entry["metadata"]["name"]) not in cluster.system)
    if not found:
        msg = "the cluster has no namespace but its own, so there is no platform in it"
        raise Unobservable(msg)
    return found


def pods(client: httpx.Client) -> tuple[Pod, ...]:
    """Every pod of the cluster that runs, or has containers that do."""
    return tuple(pod(entry) for entry in items(client, "/api/v1/pods") if entry["status"].get("phase") == "Running")


def pod(entry: Object) -> Pod:
    """A pod as the API shows it."""
    status, spec, metadata = entry["status"], entry["spec"], entry["metadata"]
    kinds = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    states = [state for kind in kinds for state in status.get(kind, ()) if "running" in state["state"]]
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        machine=spec.get("nodeName", ""),
        address=status.get("podIP", ""),
        labels=metadata.get("labels", {}),
        containers={state["containerID"].rpartition("/")[2]: state["name"] for state in states},
        on_host=bool(spec.get("hostNetwork")),
    )


def services(client: httpx.Client) -> tuple[Service, ...]:
    """Every service that has an address and leads to TCP ports of pods."""
    return tuple(service(entry) for entry in items(client, "/api/v1/services") if entry["spec"].get("clusterIP") not in {None, "None"})


def service(entry: Object) -> Service:
    """A service as the API shows it; a target by name is 0."""
    spec = entry["spec"]
    ports = [port for port in spec.get("ports", ()) if port.get("protocol", "TCP") == "TCP"]
    return Service(
        namespace=entry["metadata"]["namespace"],
        name=entry["metadata"]["name"],
        address=spec["clusterIP"],
        selector=spec.get("selector") or {},
        ports=tuple((port["port"], _number(port.get("targetPort", port["port"])), port.get("nodePort", 0)) for port in ports),
    )


def token(client: httpx.Client, namespace: str, account: str) -> str:
    """A real token of a service account, good for ten minutes."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    reply = ask(client, "POST", path, value={"spec": {"expirationSeconds": 600}})
    return str(http.expect(reply, what=path).json()["status"]["token"])


def on(machine: ClusterMachine, script: str) -> str:
    """Run a shell's script as a machine's root; Unobservable with its last words when it fails."""
    try:
        done = subprocess.run(
            [*machine.console, "/bin/sh", "-s"],
            input=script.encode(),
            capture_output=True,
            check=False,
            timeout=deadlines.MACHINE_LOOKED_AT,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        msg = f"machine {machine.name!r} cannot be looked at: {type(problem).__name__}: {problem}"
        raise Unobservable(msg) from None
    if done.returncode != 0:
        msg = f"machine {machine.name!r} ends with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-_LAST_WORDS:]}"
        raise Unobservable(msg)
    return done.stdout.decode(errors="replace")


def control_plane(cluster: Kubernetes) -> ClusterMachine:
    """A machine of the control plane; Unobservable when none is known."""
    found = [machine for machine in cluster.machines if machine.is_control_plane]
    if not found:
        msg = "the stack names no machine of the cluster's control plane"
        raise Unobservable(msg)
    return found[0]


def _number(port: object) -> int:
    return port if isinstance(port, int) else 0
