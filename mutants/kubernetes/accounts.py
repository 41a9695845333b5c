"""Accounts that may more than they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mutants.kubernetes.objects import RBAC, added, busiest, tenants

if TYPE_CHECKING:
    from constat.stack import Stack

_GROUP: Final = "rbac.authorization.k8s.io"


def _bindings(stack: Stack) -> str:
    return f"{RBAC}/namespaces/{busiest(stack)}/rolebindings"


def _everywhere(_stack: Stack) -> str:
    return f"{RBAC}/clusterrolebindings"


def _bound(role: str, **subject: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "constat-mutant"},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "" if subject["kind"] == "ServiceAccount" else _GROUP, **subject}],
    }


def _default(role: str) -> Any:
    return lambda stack: _bound(role, kind="ServiceAccount", name="default", namespace=busiest(stack))


def _all_accounts(role: str) -> Any:
    return lambda _stack: _bound(role, kind="Group", name="system:serviceaccounts")


def _anybody(role: str) -> Any:
    return lambda _stack: _bound(role, kind="User", name="system:anonymous")


MUTANTS: Final = (
    added(
        "MUT-KUB-ACC-01",
        "the default account of the platform's namespace may read it, Secrets not included",
        controls=("KUB-ACC-01",),
        collection=_bindings,
        manifest=_default("view"),
    ),
    added(
        "MUT-KUB-ACC-02",
        "every account of the cluster administers it, so that a chart would install",
        controls=("KUB-ACC-01",),
        collection=_everywhere,
        manifest=_all_accounts("cluster-admin"),
    ),
    added(
        "MUT-KUB-ACC-03",
        "every account may be taken for any other, by a role that was meant for a controller",
        controls=("KUB-ACC-01",),
        collection=_everywhere,
        manifest=_all_accounts("edit"),
    ),
    added(
        "MUT-KUB-ACC-04",
        "an account of the platform's reads what is in a tenant's namespace",
        controls=("KUB-ACC-01",),
        collection=lambda stack: f"{RBAC}/namespaces/{tenants(stack)}/rolebindings",
        manifest=_default("view"),
    ),
    added(
        "MUT-KUB-ACC-05",
        "every account may ask any kubelet for anything, so that metrics would be scraped",
        controls=("KUB-ACC-01",),
        collection=_everywhere,
        manifest=_all_accounts("system:kubelet-api-admin"),
    ),
    added(
        "MUT-KUB-ANO-03",
        "whoever has not signed in may read one namespace, and no other",
        controls=("KUB-ANO-01",),
        collection=_bindings,
        manifest=lambda _stack: _bound("view", kind="Group", name="system:unauthenticated"),
    ),
    added(
        "MUT-KUB-ANO-04",
        "whoever is somebody may read everything but Secrets",
        controls=("KUB-ANO-01",),
        collection=_everywhere,
        manifest=lambda _stack: _bound("view", kind="Group", name="system:authenticated"),
    ),
    added(
        "MUT-KUB-ANO-01",
        "anybody may read the whole cluster, because a dashboard had no login",
        controls=("KUB-ANO-01",),
        collection=_everywhere,
        manifest=_anybody("view"),
    ),
)
