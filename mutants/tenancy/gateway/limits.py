"""Limits that are counted by something that tenants share, or that a client can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe import http
from mutants.security.files import directory, edited
from mutants.tenancy.gateway.release import Change, released

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Stack

_WINDOW: Final = "        window = self._windows.setdefault(caller.organization_id, Window())"
_ROUTER: Final = 'PathPrefix(`/api/properties/`)"\n      middlewares: [verified]'
_LIMITER: Final = "    health:\n      replacePath:\n        path: /health\n"
_MANY: Final = 130


def _routes(stack: Stack) -> Path:
    return directory(stack, "gateway") / "dynamic.yml"


def _by_address(text: str) -> str:
    limited = text.replace(_ROUTER, _ROUTER.replace("[verified]", "[address, verified]"))
    return limited.replace(
        _LIMITER, f"    address:\n      rateLimit:\n        average: 100\n        period: 1m\n        burst: 100\n{_LIMITER}"
    )


def _by_host(text: str) -> str:
    limited = text.replace(_ROUTER, _ROUTER.replace("[verified]", "[calm, verified]"))
    source = "        sourceCriterion:\n          requestHost: true\n"
    return limited.replace(_LIMITER, f"    calm:\n      rateLimit:\n        average: 40\n        burst: 40\n{source}{_LIMITER}")


def _is_by_address(stack: Stack) -> bool:
    """Whether somebody without a token is answered 429 where 401 was to be expected, after many questions."""
    if stack.gateway is None:
        msg = "the stack has no gateway"
        raise Unobservable(msg)
    with http.client(stack.gateway.ca, stack.gateway.url) as client:
        return any(client.get("/api/properties").status_code == http.TOO_MANY for _ in range(_MANY))


MUTANTS: Final = (
    edited(
        "MUT-TEN-API-40",
        "the gateway counts requests by client address too, which all tenants behind one proxy share",
        controls=("TEN-API-05",),
        path=_routes,
        change=_by_address,
        reload=lambda _stack: None,  # the gateway watches the file
        holds=_is_by_address,
    ),
    edited(
        "MUT-TEN-API-43",
        "a limit of forty a second was put before one service, for all tenants together",
        controls=("TEN-API-05",),
        path=_routes,
        change=_by_host,
        reload=lambda _stack: None,
        holds=_is_by_address,
    ),
    released(
        "MUT-TEN-API-41",
        "requests are counted by plan, because the limit is the plan's",
        service="identity",
        changes=(Change(file="identity.py", before=_WINDOW, after=_WINDOW.replace("caller.organization_id", "caller.plan")),),
        controls=("TEN-API-05",),
    ),
    released(
        "MUT-TEN-API-42",
        "requests are counted by token, so that signing in again begins anew",
        service="identity",
        changes=(
            Change(
                file="identity.py", before=_WINDOW, after=_WINDOW.replace("caller.organization_id", "(caller.organization_id, caller.exp)")
            ),
        ),
        controls=("TEN-API-05",),
    ),
)
