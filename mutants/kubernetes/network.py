"""Policies that open more than is declared, or less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.errors import Unobservable
from constat.observe import kubernetes
from mutants.kubernetes.objects import POLICIES, added, busiest, changed, client_of, removed

if TYPE_CHECKING:
    from constat.stack import Stack

_GROUP: Final = "/apis/networking.k8s.io/v1"


def _namespaces_of(stack: Stack) -> dict[str, str]:
    """The namespace of each node of the platform."""
    label = kubernetes.required(stack).node_label
    with client_of(stack) as client:
        return {pod.labels[label]: pod.namespace for pod in kubernetes.pods(client) if label in pod.labels}


def _collection(stack: Stack) -> str:
    return f"{_GROUP}/namespaces/{busiest(stack)}/{POLICIES}"


def _watcher(stack: Stack) -> str:
    """Where what watches the platform is: its flows begin in another namespace than they end in."""
    known = _namespaces_of(stack)
    sources = {known[flow.source] for flow in kubernetes.required(stack).flows if flow.source in known}
    return f"{_GROUP}/namespaces/{min(sources - {busiest(stack)})}/{POLICIES}"


def _of_a_source(stack: Stack) -> str:
    """The policy of a node with the fewest flows of its own, two at least: one of them may be lost and the other is still seen."""
    known, flows = _namespaces_of(stack), [flow.source for flow in kubernetes.required(stack).flows]
    able = sorted((flows.count(source), source) for source in set(flows) if flows.count(source) > 1 and source in known)
    if not able:
        msg = "no node of the platform has two declared flows"
        raise Unobservable(msg)
    node = able[0][1]
    return f"{_GROUP}/namespaces/{known[node]}/{POLICIES}/node-{node}"


def _opening(direction: str) -> dict[str, Any]:
    return {"metadata": {"name": "constat-mutant"}, "spec": {"podSelector": {}, "policyTypes": [direction.title()], direction: [{}]}}


MUTANTS: Final = (
    added(
        "MUT-KUB-NET-01",
        "everybody may come in to the platform's namespace, since a service mesh was tried out",
        controls=("KUB-NET-01",),
        collection=_collection,
        manifest=lambda _stack: _opening("ingress"),
    ),
    added(
        "MUT-KUB-NET-02",
        "what watches the platform may go anywhere, because an alert would not go out",
        controls=("KUB-NET-01",),
        collection=_watcher,
        manifest=lambda _stack: _opening("egress"),
    ),
    changed(
        "MUT-KUB-NET-03",
        "a declared flow was lost when a policy was tidied up",
        controls=("KUB-NET-01",),
        path=_of_a_source,
        change=lambda policy: {"spec": {"egress": policy["spec"]["egress"][1:]}},
    ),
    removed(
        "MUT-KUB-NET-04",
        "a node of the platform has lost its policy, and with it all that it was let do",
        controls=("KUB-NET-01",),
        path=_of_a_source,
    ),
)
