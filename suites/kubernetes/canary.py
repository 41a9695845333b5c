"""Objects that a control puts into a cluster for a moment: of the suite's own name, and taken away whatever happens."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from constat.observe import http, kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from constat.stack import Kubernetes

OURS: Final = {"constat.dev/probe": "yes"}
_NOW: Final = {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}


@contextlib.contextmanager
def standing(client: httpx.Client, collection: str, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Create an object and remove it afterwards; Unobservable when it is refused."""
    labelled = {**manifest, "metadata": {**manifest["metadata"], "labels": {**manifest["metadata"].get("labels", {}), **OURS}}}
    path = f"{collection}/{manifest['metadata']['name']}"
    try:
        yield dict(http.expect(kubernetes.ask(client, "POST", collection, value=labelled), what=collection).json())
    finally:
        remove(client, path)


def remove(client: httpx.Client, path: str) -> None:
    """Take an object away at once; Unobservable when it stays."""
    reply = kubernetes.ask(client, "DELETE", path, params=_NOW)
    if not reply.is_success and reply.status != kubernetes.NOT_FOUND:
        msg = f"{path} was not removed: {reply.status} {kubernetes.message(reply)}; remove it yourself"
        raise Unobservable(msg)


def idle(client: httpx.Client, cluster: Kubernetes) -> str:
    """A namespace in which nothing of the platform runs, a tenant's; else the last there is."""
    busy = {pod.namespace for pod in kubernetes.pods(client)}
    names = kubernetes.namespaces(client, cluster)
    return _last([name for name in names if name not in busy]) or names[-1]


def _last(names: Iterable[str]) -> str:
    return max(names, default="")
