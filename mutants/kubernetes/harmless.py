"""Changes of a cluster that are done right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.observe import kubernetes
from constat.outcome import Outcome
from mutants.kubernetes.objects import RBAC, added, tenants

if TYPE_CHECKING:
    from constat.stack import Stack

_NAME: Final = "constat-harmless"


def _account(_stack: Stack) -> dict[str, Any]:
    return {"metadata": {"name": _NAME}, "automountServiceAccountToken": False}


def _role(_stack: Stack) -> dict[str, Any]:
    """For nobody yet."""
    return {"metadata": {"name": _NAME}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}


def _settings(_stack: Stack) -> dict[str, Any]:
    return {"metadata": {"name": _NAME}, "data": {"settings.ini": "[cache]\nurl = rediss://cache:6379/0\n"}}


def _pod(stack: Stack) -> dict[str, Any]:
    container = {
        "name": "sleep",
        "image": kubernetes.required(stack).image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sleep", "infinity"],
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "8Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {"automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"metadata": {"name": _NAME}, "spec": spec}


MUTANTS: Final = (
    added(
        "SAFE-KUB-01",
        "an account was made to which nothing is granted",
        controls=("KUB-ACC-01",),
        collection=lambda stack: f"/api/v1/namespaces/{tenants(stack)}/serviceaccounts",
        manifest=_account,
        expects=Outcome.PASS,
    ),
    added(
        "SAFE-KUB-02",
        "a role was written that is bound to nobody",
        controls=("KUB-ACC-01", "KUB-ANO-01"),
        collection=lambda stack: f"{RBAC}/namespaces/{tenants(stack)}/roles",
        manifest=_role,
        expects=Outcome.PASS,
    ),
    added(
        "SAFE-KUB-03",
        "a ConfigMap holds settings without a secret",
        controls=("KUB-OBJ-01",),
        collection=lambda stack: f"/api/v1/namespaces/{tenants(stack)}/configmaps",
        manifest=_settings,
        expects=Outcome.PASS,
    ),
    added(
        "SAFE-KUB-04",
        "a confined pod was started in a tenant's namespace",
        controls=("KUB-PSA-01", "KUB-POD-01", "KUB-QUO-01"),
        collection=lambda stack: f"/api/v1/namespaces/{tenants(stack)}/pods",
        manifest=_pod,
        expects=Outcome.PASS,
    ),
)
