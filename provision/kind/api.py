"""The cluster's API: objects are put there as they are declared, looked at, and taken away."""

from __future__ import annotations

import base64
import json
import ssl
import weakref
from typing import TYPE_CHECKING, Any, Final

import httpx

from constat import deadlines
from constat.errors import NotReady, TargetError
from provision.secrets import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Manifest = dict[str, Any]
MANAGER: Final = "constat"
# In the stack's directory: who the administrator is, and who vouches for the server.
ADMINISTRATOR: Final = "administrator.pem"
AUTHORITY: Final = "cluster-ca.pem"
# kind → (path of its group and version, plural)
_KINDS: Final = {
    "Namespace": ("/api/v1", "namespaces"),
    "Pod": ("/api/v1", "pods"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "LimitRange": ("/api/v1", "limitranges"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
}


class Api:
    """Speaks to the API server as the cluster's administrator."""

    def __init__(self, kubeconfig: Mapping[str, Any], directory: Path) -> None:
        """Take the access file as `kubectl config view --raw -o json` prints it, and where to keep its keys."""
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        write_private(directory / ADMINISTRATOR, _decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
        write_private(directory / AUTHORITY, _decoded(cluster["certificate-authority-data"]))
        context = ssl.create_default_context(cafile=str(directory / AUTHORITY))
        context.load_cert_chain(directory / ADMINISTRATOR)
        self.url = str(cluster["server"])
        self._client = httpx.Client(base_url=cluster["server"], verify=context, timeout=deadlines.CLUSTER_ANSWERS, trust_env=False)
        # Its connections outlive every call, and nobody says when the last one was.
        weakref.finalize(self, self._client.close)

    def apply(self, manifest: Manifest) -> Manifest:
        """Put an object there as it is declared (server-side apply); TargetError with the server's complaint."""
        answer = self._client.patch(
            path_of(manifest),
            params={"fieldManager": MANAGER, "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            content=json.dumps(manifest),
        )
        return _expected(answer, f"apply {_named(manifest)}")

    def apply_all(self, manifests: Iterable[Manifest]) -> None:
        """Put several objects there, one after the other."""
        for manifest in manifests:
            self.apply(manifest)

    def get(self, path: str, **parameters: str) -> Manifest:
        """What stands at a path; TargetError when nothing does."""
        return _expected(self._client.get(path, params=parameters), f"get {path}")

    def text(self, path: str, **parameters: str) -> str:
        """What stands at a path, as text; TargetError when nothing does."""
        answer = self._client.get(path, params=parameters)
        _refuse(answer, f"get {path}")
        return answer.text

    def merge(self, path: str, change: Manifest) -> Manifest:
        """Change an object by a merge patch."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return _expected(self._client.patch(path, headers=headers, content=json.dumps(change)), f"change {path}")

    def delete(self, path: str, *, grace_seconds: int) -> None:
        """Take an object away; nothing happens when it is gone already."""
        answer = self._client.request("DELETE", path, params={"gracePeriodSeconds": str(grace_seconds)})
        if answer.status_code != httpx.codes.NOT_FOUND:
            _refuse(answer, f"delete {path}")

    def require_ready(self) -> None:
        """Raise NotReady until the server says that it is ready."""
        answer = self._client.get("/readyz")
        if answer.status_code != httpx.codes.OK:
            msg = f"the API server answers {answer.status_code} on '/readyz', expected 200"
            raise NotReady(msg)


def path_of(manifest: Manifest) -> str:
    """Where an object of a known kind stands."""
    group, plural = _KINDS[manifest["kind"]]
    metadata = manifest["metadata"]
    within = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{group}{within}/{plural}/{metadata['name']}"


def collection(kind: str, namespace: str = "") -> str:
    """Where all objects of a known kind stand, of one namespace or of all."""
    group, plural = _KINDS[kind]
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"


def _expected(answer: httpx.Response, what: str) -> Manifest:
    _refuse(answer, what)
    return dict(answer.json())


def _refuse(answer: httpx.Response, what: str) -> None:
    if not answer.is_success:
        msg = f"the cluster refuses to {what}: {answer.status_code} {_complaint(answer)}"
        raise TargetError(msg)


def _complaint(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text.strip()[:400]


def _named(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {'/'.join(part for part in (metadata.get('namespace', ''), metadata['name']) if part)}"


def _decoded(data: str) -> bytes:
    return base64.b64decode(data)
