"""A route that a service has and does not speak of."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

_IMPORT: Final = "from starlette.routing import Route, Router\n"
_ROUTER: Final = "    return Router(routes, redirect_slashes=False"

MUTANTS: Final = (
    released(
        "MUT-SEC-ROU-01",
        "a page with the service's own settings was left in for the support, and stands in no document",
        service="search",
        changes=(
            Change(file="application.py", before=_IMPORT, after=f"from starlette.responses import PlainTextResponse\n{_IMPORT}"),
            Change(
                file="application.py",
                before=_ROUTER,
                after=f'    routes.append(Route("/left/over/snapshot", PlainTextResponse(repr(service))))\n{_ROUTER}',
            ),
        ),
        controls=("SEC-ROU-01",),
    ),
)
