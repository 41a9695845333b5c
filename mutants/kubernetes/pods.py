"""Pods that run with more rights than they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat import deadlines, wait
from constat.mutant import Mutant, Scope, State
from constat.observe import kubernetes
from mutants.kubernetes.objects import create, delete, merge, read, tenants

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack

_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_NAME: Final = "constat-mutant"
_CONFINED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _pod(stack: Stack, context: dict[str, Any], **spec: object) -> dict[str, Any]:
    container = {
        "name": "look",
        "image": kubernetes.required(stack).image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sleep", "infinity"],
        "securityContext": context,
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "8Mi"}},
    }
    return {"metadata": {"name": _NAME}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec}}


def _path(stack: Stack) -> str:
    return f"/api/v1/namespaces/{tenants(stack)}/pods/{_NAME}"


def _runs(path: str, stack: Stack) -> bool:
    with kubernetes.administrator(kubernetes.required(stack)) as client:
        reply = kubernetes.ask(client, "GET", path)
    return reply.is_success and reply.json()["status"].get("phase") == "Running"


def _running(mutant_id: str, title: str, manifest: Callable[[Stack], dict[str, Any]], *, relaxed: bool = False) -> Mutant:
    """Make a mutant of a pod in a tenant's namespace; of one that the standard forbids, the namespace was relaxed for a moment."""

    def prepared(stack: Stack) -> State:
        # The namespace stays idle only until the pod runs there: from then on the journal knows it.
        return {"namespace": f"/api/v1/namespaces/{tenants(stack)}", "manifest": manifest(stack)}

    def planted(stack: Stack, state: State) -> None:
        path = f"{state['namespace']}/pods/{_NAME}"
        if relaxed:
            merge(stack, state["namespace"], {"metadata": {"labels": {_ENFORCE: "privileged"}}})
        create(stack, f"{state['namespace']}/pods", state["manifest"])
        wait.until(lambda: _runs(path, stack), what=f"{path} runs", within=deadlines.POD_RUNS, every=0.3, holds=bool)
        if relaxed:
            merge(stack, state["namespace"], {"metadata": {"labels": {_ENFORCE: "restricted"}}})

    def reverted(stack: Stack, state: State) -> None:
        merge(stack, state["namespace"], {"metadata": {"labels": {_ENFORCE: "restricted"}}})
        delete(stack, f"{state['namespace']}/pods/{_NAME}")

    def everything(stack: Stack) -> str:
        path = _path(stack)
        return f"{read(stack, path)}\n{read(stack, path.partition('/pods')[0])}"

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=("KUB-POD-01",),
        prepare=prepared,
        plant=planted,
        confirm=lambda stack, state: _runs(f"{state['namespace']}/pods/{_NAME}", stack),
        revert=reverted,
        fingerprint=everything,
    )


MUTANTS: Final = (
    _running(
        "MUT-KUB-POD-01",
        "a pod holds a token of the API that it never uses",
        lambda stack: _pod(stack, _CONFINED, automountServiceAccountToken=True),
    ),
    _running(
        "MUT-KUB-POD-02",
        "a namespace was relaxed to look into a problem, and the pod of root with the machine's processes stayed",
        lambda stack: _pod(stack, {"privileged": True, "runAsUser": 0}, automountServiceAccountToken=False, hostPID=True),
        relaxed=True,
    ),
    _running(
        "MUT-KUB-POD-03",
        "a pod can write to its image, which the standard lets pass",
        lambda stack: _pod(stack, _CONFINED | {"readOnlyRootFilesystem": False}, automountServiceAccountToken=False),
    ),
    _running(
        "MUT-KUB-POD-04",
        "a pod calls the kernel unfiltered and keeps a capability, for a tool that was needed once",
        lambda stack: _pod(
            stack,
            _CONFINED | {"seccompProfile": {"type": "Unconfined"}, "capabilities": {"drop": ["ALL"], "add": ["NET_RAW"]}},
            automountServiceAccountToken=False,
        ),
        relaxed=True,
    ),
)
