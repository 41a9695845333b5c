"""Namespaces that admit what they should not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mutants.kubernetes.objects import added, busiest, changed, tenants

if TYPE_CHECKING:
    from constat.stack import Stack

_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_BY_HAND: Final = "constat-by-hand"
_LEVELS: Final = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("audit", "warn")}


def _platform(stack: Stack) -> str:
    return f"/api/v1/namespaces/{busiest(stack)}"


def _tenant(stack: Stack) -> str:
    return f"/api/v1/namespaces/{tenants(stack)}"


def _enforcing(level: str | None) -> dict[str, Any]:
    return {"metadata": {"labels": {_ENFORCE: level}}}


MUTANTS: Final = (
    changed(
        "MUT-KUB-PSA-01",
        "the platform's namespace was set to `baseline` for a chart that would not install",
        controls=("KUB-PSA-01",),
        path=_platform,
        change=lambda _: _enforcing("baseline"),
    ),
    changed(
        "MUT-KUB-PSA-02",
        "a tenant's namespace lost its label and only warns",
        controls=("KUB-PSA-01",),
        path=_tenant,
        change=lambda _: _enforcing(None),
    ),
    added(
        "MUT-KUB-PSA-03",
        "a namespace was made by hand, with nothing but warnings",
        controls=("KUB-PSA-01", "KUB-QUO-01"),
        collection=lambda _stack: "/api/v1/namespaces",
        manifest=lambda _stack: {"metadata": {"name": _BY_HAND, "labels": dict(_LEVELS)}},
    ),
    changed(
        "MUT-KUB-PSA-04",
        "the standard is enforced as it was in an older version, which knew fewer ways to break it",
        controls=("KUB-PSA-01",),
        path=_tenant,
        change=lambda _: {"metadata": {"labels": {f"{_ENFORCE}-version": "v1.18"}}},
    ),
)
