"""What the object store runs with: how each bucket keeps what is in it, and what each identity may do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from minio.error import S3Error

from constat import deadlines
from constat.errors import Unobservable
from constat.observe import objects as stores
from constat.settings import fingerprint, flat

if TYPE_CHECKING:
    from minio import Minio

    from constat.settings import Settings
    from constat.stack import Objects, Stack

# Everything that S3 lets somebody ask of a bucket about the bucket itself.
_ASPECTS: Final = (
    *("versioning", "object-lock", "lifecycle", "policy", "cors", "encryption", "acl", "ownershipControls", "publicAccessBlock"),
    *("website", "notification", "replication", "logging", "tagging", "requestPayment", "accelerate"),
)
_LIST: Final = "s3.configure\n"  # without a change it shows what there is
_DOCUMENT: Final = re.compile(r"(?s)\{.*\}")


def buckets(store: Objects) -> Settings:
    """Every aspect of every bucket; an error's code where the store has none."""
    client = stores.connect(store, store.admin)
    return {f"{bucket.name} {aspect}": _aspect(client, bucket.name, aspect) for bucket in stores.buckets(store) for aspect in _ASPECTS}


def _aspect(client: Minio, bucket: str, aspect: str) -> str:
    try:
        # The SDK has a method for some of them only, and none that leaves the answer as it is.
        answer = client._execute("GET", bucket, query_params={aspect: ""})  # noqa: SLF001
        return str(answer.data.decode(errors="replace"))
    except S3Error as problem:
        return str(problem.code)
    except stores.REFUSED as problem:
        msg = f"bucket {bucket!r} does not say its {aspect}: {problem}"
        raise Unobservable(msg) from None


def identities(stack: Stack) -> Settings:
    """Every identity that the running store has, those of its file too: what it may do, and its keys by their fingerprints."""
    said: Settings = {}
    for identity in known(stack).get("identities", ()):
        subject = f"identity {identity['name']}"
        told = {key: value for key, value in identity.items() if key not in {"name", "credentials"}}
        keys = [f"{pair.get('accessKey')}:{pair.get('secretKey')}" for pair in identity.get("credentials", ())]
        said |= dict(flat(told, subject)) | {f"{subject} keys": ", ".join(sorted(map(fingerprint, keys)))}
    return said


def known(stack: Stack) -> dict[str, Any]:
    """The store's own account of identities and policies, by its shell; Unobservable when that does not answer."""
    home = Path(stack.run_dir) / "objects"
    command = (str(Path(stack.run_dir) / "bin" / "weed"), "-logtostderr=true", f"-config_dir={home}", "shell")
    where = (f"-{server}={_both(stack, server)}" for server in ("master", "filer"))
    try:
        done = subprocess.run(
            [*command, *where], input=_LIST, capture_output=True, text=True, check=False, timeout=deadlines.SERVICE_ANSWERS, cwd=home
        )
        found = json.loads(_DOCUMENT.search(done.stdout)[0])  # type: ignore[index]  # None is a TypeError, as below
    except (OSError, subprocess.TimeoutExpired, TypeError, ValueError) as problem:
        msg = f"the store's shell does not say which identities there are: {type(problem).__name__}: {problem}"
        raise Unobservable(msg) from None
    return dict(found)


def _both(stack: Stack, server: str) -> str:
    """Both sockets of a server, as the store's programs want to be told."""
    ports = {listener.name: listener for listener in stack.listeners if listener.node == "objects"}
    if not {server, f"{server}-grpc"} <= ports.keys():
        msg = f"the stack declares no listener {server!r} of the object store"
        raise Unobservable(msg)
    return f"{ports[server].host}:{ports[server].port}.{ports[f'{server}-grpc'].port}"
