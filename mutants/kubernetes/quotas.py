"""Namespaces that get more than they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutants.kubernetes.objects import busiest, changed, removed, tenants

if TYPE_CHECKING:
    from constat.stack import Stack


def _quota(stack: Stack) -> str:
    return f"/api/v1/namespaces/{tenants(stack)}/resourcequotas/bounds"


def _platforms(stack: Stack) -> str:
    return f"/api/v1/namespaces/{busiest(stack)}/resourcequotas/bounds"


MUTANTS: Final = (
    removed("MUT-KUB-QUO-01", "a tenant's quota was deleted", controls=("KUB-QUO-01",), path=_quota),
    changed(
        "MUT-KUB-QUO-02",
        "the platform's namespace may ask for a hundred times the memory",
        controls=("KUB-QUO-01",),
        path=_platforms,
        change=lambda _: {"spec": {"hard": {"requests.memory": "400Gi"}}},
    ),
    changed(
        "MUT-KUB-QUO-03",
        "a tenant may start one pod more than was sold",
        controls=("KUB-QUO-01",),
        path=_quota,
        change=lambda _: {"spec": {"hard": {"pods": "6"}}},
    ),
    changed(
        "MUT-KUB-QUO-04",
        "a tenant may open ports of every machine",
        controls=("KUB-QUO-01",),
        path=_quota,
        change=lambda _: {"spec": {"hard": {"services.nodeports": None}}},
    ),
)
