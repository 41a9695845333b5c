"""Mutants that are objects of the cluster: one that is added, one that is changed, one that is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from constat import deadlines, wait
from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe import http, kubernetes
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from constat.stack import Stack

Manifest = dict[str, Any]
_FORCED: Final = {"fieldManager": "constat-mutant", "force": "true"}
# What the cluster itself writes into an object, and what nobody declares.
_WRITTEN: Final = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink")
RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
POLICIES: Final = "networkpolicies"


def client_of(stack: Stack) -> httpx.Client:
    """Speak to the cluster as its administrator."""
    return kubernetes.administrator(kubernetes.required(stack))


def busiest(stack: Stack) -> str:
    """The namespace that most flows lead into: the platform's."""
    with client_of(stack) as client:
        nodes = {flow.node for flow in kubernetes.required(stack).flows}
        found = [pod.namespace for pod in kubernetes.pods(client) if pod.labels.get(kubernetes.required(stack).node_label) in nodes]
    if not found:
        msg = "no pod of the platform runs in the cluster"
        raise Unobservable(msg)
    return max(set(found), key=found.count)


def tenants(stack: Stack) -> str:
    """A namespace of a tenant's: bounded, and with nothing of the platform in it."""
    with client_of(stack) as client:
        busy = {pod.namespace for pod in kubernetes.pods(client)}
        return max(name for name in kubernetes.namespaces(client, kubernetes.required(stack)) if name not in busy)


def read(stack: Stack, path: str) -> Manifest | None:
    """An object as somebody declared it, or None when there is none."""
    with client_of(stack) as client:
        reply = kubernetes.ask(client, "GET", path)
    return None if reply.status == kubernetes.NOT_FOUND else declared(http.expect(reply, what=path).json())


def declared(entry: Manifest) -> Manifest:
    """An object without what the cluster writes into it."""
    metadata = {key: value for key, value in entry["metadata"].items() if key not in _WRITTEN}
    return {**{key: value for key, value in entry.items() if key != "status"}, "metadata": metadata}


def create(stack: Stack, collection: str, manifest: Manifest) -> None:
    """Put an object there; nothing happens when it is there already."""
    with client_of(stack) as client:
        reply = kubernetes.ask(client, "POST", collection, value=manifest)
    if reply.status != 409:  # noqa: PLR2004 - it is there
        http.expect(reply, what=collection)


def delete(stack: Stack, path: str) -> None:
    """Take an object away at once and wait until it is gone; nothing happens when it is gone already."""
    with client_of(stack) as client:
        kubernetes.ask(client, "DELETE", path, params={"gracePeriodSeconds": "0", "propagationPolicy": "Background"})
    wait.until(lambda: read(stack, path), what=f"{path} is gone", within=deadlines.POD_RUNS, every=0.3, holds=lambda seen: seen is None)


def merge(stack: Stack, path: str, change: Manifest) -> None:
    """Change an object by a merge patch; Unobservable when that is refused."""
    with client_of(stack) as client:
        headers = {"Content-Type": kubernetes.MERGE}
        http.expect(kubernetes.ask(client, "PATCH", path, value=change, headers=headers), what=path)


def added(
    mutant_id: str,
    title: str,
    *,
    controls: tuple[str, ...],
    collection: Callable[[Stack], str],
    manifest: Callable[[Stack], Manifest],
    expects: Outcome = Outcome.FAIL,
) -> Mutant:
    """Make a mutant, or a harmless change, of an object that somebody has added."""

    def prepared(stack: Stack) -> State:
        entry = manifest(stack)
        return {"collection": collection(stack), "manifest": entry, "path": f"{collection(stack)}/{entry['metadata']['name']}"}

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=controls,
        prepare=prepared,
        plant=lambda stack, state: create(stack, state["collection"], state["manifest"]),
        confirm=lambda stack, state: read(stack, state["path"]) is not None,
        revert=lambda stack, state: delete(stack, state["path"]),
        expects=expects,
        fingerprint=lambda stack: str(read(stack, prepared(stack)["path"])),
    )


def removed(mutant_id: str, title: str, *, controls: tuple[str, ...], path: Callable[[Stack], str]) -> Mutant:
    """Make a mutant of an object that somebody has taken away."""

    def reverted(stack: Stack, state: State) -> None:
        create(stack, state["path"].rpartition("/")[0], state["object"])

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=controls,
        prepare=lambda stack: {"path": path(stack), "object": _there(stack, path(stack))},
        plant=lambda stack, state: delete(stack, state["path"]),
        confirm=lambda stack, state: read(stack, state["path"]) is None,
        revert=reverted,
        fingerprint=lambda stack: json.dumps(read(stack, path(stack)), sort_keys=True),
    )


def changed(
    mutant_id: str, title: str, *, controls: tuple[str, ...], path: Callable[[Stack], str], change: Callable[[Manifest], Manifest]
) -> Mutant:
    """Make a mutant of a change: `change` says by what of an object's own fields the merge patch replaces which."""

    def prepared(stack: Stack) -> State:
        entry = _there(stack, path(stack))
        return {"path": path(stack), "object": entry, "change": change(entry)}

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=controls,
        prepare=prepared,
        plant=lambda stack, state: merge(stack, state["path"], state["change"]),
        confirm=lambda stack, state: read(stack, state["path"]) != state["object"],
        revert=lambda stack, state: merge(stack, state["path"], before(state["change"], state["object"])),
        fingerprint=lambda stack: json.dumps(read(stack, path(stack)), sort_keys=True),
    )


def before(change: Manifest, entry: Manifest) -> Manifest:
    """The merge patch that undoes another: each field that it touches as it was, or gone."""
    undone: Manifest = {}
    for key, value in change.items():
        old = entry.get(key)
        undone[key] = before(value, old) if isinstance(value, dict) and isinstance(old, dict) else old
    return undone


def _there(stack: Stack, path: str) -> Manifest:
    entry = read(stack, path)
    if entry is None:
        msg = f"{path} is not there, so it cannot be changed or taken away"
        raise Unobservable(msg)
    return entry
