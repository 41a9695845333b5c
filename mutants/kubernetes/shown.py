"""Secrets that stand where whoever lists objects reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from constat.needed import needed
from mutants.kubernetes.objects import added, busiest

if TYPE_CHECKING:
    from constat.stack import Stack


def _password(stack: Stack) -> str:
    return needed(stack.cache, "cache whose password could be shown").admin_password


def _settings(stack: Stack) -> dict[str, Any]:
    return {
        "metadata": {"name": "constat-mutant"},
        "data": {"settings.ini": f"[cache]\nurl = rediss://admin:{_password(stack)}@cache:6379/0\n"},
    }


def _service(stack: Stack) -> dict[str, Any]:
    return {
        "metadata": {"name": "constat-mutant", "annotations": {"runbook": f"redis-cli --user admin --pass {_password(stack)} ping"}},
        "spec": {"ports": [{"port": 1}]},
    }


def _template(stack: Stack) -> dict[str, Any]:
    """A pod that never runs, told its password as everybody who lists pods is."""
    container = {"name": "job", "image": "constat/none:1", "env": [{"name": "REDIS_PASSWORD", "value": _password(stack)}]}
    return {
        "metadata": {"name": "constat-mutant"},
        "template": {"metadata": {"name": "constat-mutant"}, "spec": {"containers": [container]}},
    }


MUTANTS: Final = (
    added(
        "MUT-KUB-OBJ-01",
        "a ConfigMap holds settings with a password in an address",
        controls=("KUB-OBJ-01",),
        collection=lambda stack: f"/api/v1/namespaces/{busiest(stack)}/configmaps",
        manifest=_settings,
    ),
    added(
        "MUT-KUB-OBJ-02",
        "a service's annotation tells how to look into it, with the password",
        controls=("KUB-OBJ-01",),
        collection=lambda stack: f"/api/v1/namespaces/{busiest(stack)}/services",
        manifest=_service,
    ),
    added(
        "MUT-KUB-OBJ-03",
        "a pod's template gives a password as a variable",
        controls=("KUB-OBJ-01",),
        collection=lambda stack: f"/api/v1/namespaces/{busiest(stack)}/podtemplates",
        manifest=_template,
    ),
)
