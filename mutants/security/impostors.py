"""A client that believes whatever certificate it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from constat.observe import http
from mutants.contract.wiring import monitoring, reload_prometheus, scrapes
from mutants.security.files import edited

if TYPE_CHECKING:
    from constat.stack import Stack

_TRUSTS: Final = re.compile(r"(?m)^( +)ca_file: .*$")


def _believes(stack: Stack) -> bool:
    watching = monitoring(stack)
    with http.client(watching.ca, watching.prometheus, login=(watching.login.user, watching.login.password)) as client:
        said = http.expect(http.ask(client, "GET", "/api/v1/status/config"), what="the configuration").json()
    return "insecure_skip_verify: true" in said["data"]["yaml"]


MUTANTS: Final = (
    edited(
        "MUT-SEC-IMP-01",
        "Prometheus asks whoever answers, since a certificate had expired",
        controls=("SEC-IMP-01",),
        path=scrapes,
        change=lambda text: _TRUSTS.sub(r"\g<0>\n\g<1>insecure_skip_verify: true", text),
        reload=reload_prometheus,
        holds=_believes,
    ),
)
