"""Nobody would be told: alerts that are silenced, lead nowhere or are not there, and measurements that are thrown away."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Final

from constat.mutant import Mutant, Scope, State
from constat.observe import http, metrics
from mutants.contract.wiring import monitoring, reload_prometheus, scrapes
from mutants.security.files import directory, edited

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Stack

_AUTHOR: Final = "planted"
_LONG: Final = datetime.timedelta(days=3650)
_RECEIVERS: Final = re.compile(r"(?m)^(        - targets: )\[.*?\]$")


def _silence(stack: Stack, state: State) -> None:
    del state
    now = datetime.datetime.now(datetime.UTC)
    value = {
        "matchers": [{"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + _LONG).isoformat(),
        "createdBy": _AUTHOR,
        "comment": "too loud",
    }
    watching = monitoring(stack)
    with metrics.connect(watching, watching.alertmanager) as client:
        http.expect(http.ask(client, "POST", "/api/v2/silences", value=value), what="/api/v2/silences")


def _is_silenced(stack: Stack, state: State) -> bool:
    del state
    return any(silence.by == _AUTHOR for silence in metrics.silences(monitoring(stack)))


def _end(stack: Stack, state: State) -> None:
    del state
    watching = monitoring(stack)
    with metrics.connect(watching, watching.alertmanager) as client:
        there = http.expect(http.ask(client, "GET", "/api/v2/silences"), what="/api/v2/silences").json()
        for row in there:
            if row["createdBy"] == _AUTHOR and row["status"]["state"] != "expired":
                path = f"/api/v2/silence/{row['id']}"
                http.expect(http.ask(client, "DELETE", path), what=path)


def _rules(stack: Stack) -> Path:
    return directory(stack, "prometheus") / "rules.yml"


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-08",
        title="Every alert was silenced for ten years, because it was too loud",
        scope=Scope.STORE,
        controls=("CON-ALE-01",),
        plant=_silence,
        confirm=_is_silenced,
        revert=_end,
        fingerprint=lambda stack: str(metrics.silences(monitoring(stack))),
    ),
    edited(
        "MUT-CON-09",
        "the alert rules were emptied",
        controls=("CON-ALE-01",),
        path=_rules,
        change=lambda _text: "groups: []\n",
        reload=reload_prometheus,
        holds=lambda stack: not metrics.rules(monitoring(stack)),
    ),
    edited(
        "MUT-CON-10",
        "Prometheus is not connected with Alertmanager any more",
        controls=("CON-ALE-01",),
        path=scrapes,
        change=lambda text: _RECEIVERS.sub(r"\g<1>[]", text, count=1),
        reload=reload_prometheus,
        holds=lambda stack: not metrics.receivers(monitoring(stack)),
    ),
)
