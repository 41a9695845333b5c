"""What a cluster really keeps: the store behind its API, read past the API; and the keys of its control plane."""

from __future__ import annotations

import base64
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from constat import deadlines
from constat.observe import http, kubernetes
from constat.observe.http import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.stack import Kubernetes

# Where kubeadm keeps them, below its own directory.
_DIRECTORY: Final = "/etc/kubernetes/pki"
_AUTHORITY: Final = "etcd/ca.crt"
_CLIENT: Final = "apiserver-etcd-client"
PORT: Final = 2379
SECRETS: Final = "/registry/secrets/"
CONFIG_MAPS: Final = "/registry/configmaps/"


@dataclass(frozen=True)
class Kept:
    """A value of the store, as it stands there."""

    key: str
    value: bytes = field(repr=False)


def material(cluster: Kubernetes, name: str) -> bytes:
    """A file of the control plane's keys; Unobservable when there is none of that name."""
    return kubernetes.on(kubernetes.control_plane(cluster), f"exec cat {_DIRECTORY}/{name}\n").encode()


@contextlib.contextmanager
def placed(*parts: bytes) -> Iterator[str]:
    """The path of a file that only this account reads, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="constat-") as directory:
        path = Path(directory) / "material.pem"
        path.touch(mode=0o600)
        path.write_bytes(b"".join(parts))
        yield str(path)


@contextlib.contextmanager
def connect(cluster: Kubernetes) -> Iterator[httpx.Client]:
    """Speak to the store as the API server does."""
    base = f"https://{kubernetes.control_plane(cluster).address}:{PORT}"
    own = (material(cluster, f"{_CLIENT}.crt"), material(cluster, f"{_CLIENT}.key"))
    with (
        placed(material(cluster, _AUTHORITY)) as ca,
        placed(*own) as pem,
        http.client(ca, base, certificate=Certificate(cert=pem), seconds=deadlines.CLUSTER_ANSWERS) as client,
    ):
        yield client


def kept(client: httpx.Client, prefix: str) -> tuple[Kept, ...]:
    """Every value below a prefix, as it stands there; Unobservable when the store does not say."""
    fields = {"key": _coded(prefix.encode()), "range_end": _coded(prefix[:-1].encode() + bytes([ord(prefix[-1]) + 1]))}
    said = _call(client, "kv/range", fields)
    return tuple(Kept(base64.b64decode(pair["key"]).decode(), base64.b64decode(pair.get("value", ""))) for pair in said.get("kvs", ()))


def put(client: httpx.Client, key: str, value: bytes) -> None:
    """Write a value past the API."""
    _call(client, "kv/put", {"key": _coded(key.encode()), "value": _coded(value)})


def remove(client: httpx.Client, key: str) -> None:
    """Remove a value past the API; nothing happens when there is none."""
    _call(client, "kv/deleterange", {"key": _coded(key.encode())})


def _call(client: httpx.Client, method: str, fields: dict[str, Any]) -> dict[str, Any]:
    path = f"/v3/{method}"
    return dict(http.expect(kubernetes.ask(client, "POST", path, value=fields), what=f"{path} of the cluster's store").json())


def _coded(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
