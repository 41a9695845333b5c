"""A wire that was cut by a change of configuration: nothing is down, and something is not found any more."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any, Final

import psutil

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.needed import needed
from constat.observe import broker, http, metrics
from mutants.security.files import directory, edited

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Broker, Metrics, Stack

_CACHE_JOB: Final = re.compile(r"(?ms)^  - job_name: cache\n.*?(?=^  - job_name: )")
# Nobody listens on the discard port.
_NOWHERE: Final = r"\g<1>127.0.0.1:9"
_SEARCH: Final = re.compile(
    r'(?m)^(    search:\n      loadBalancer:\n        serversTransport: \S+\n        servers:\n          - url: "https://)[^"]+'
)


def _broker(stack: Stack) -> Broker:
    return needed(stack.broker, "broker")


def _tenant(stack: Stack) -> str:
    """The second of the attack pair: who looks at the first alone does not notice."""
    return [*stack.tenants, "t1"][:2][-1]


def _bindings(stack: Stack) -> list[dict[str, Any]]:
    """What leads to the tenant's own queue, but for the default exchange."""
    messages = _broker(stack)
    path = f"/api/queues/{messages.vhost_of(_tenant(stack))}/{_tenant(stack)}.events/bindings"
    with broker.management(messages) as client:
        found = http.expect(http.ask(client, "GET", path), what=path).json()
    return [binding for binding in found if binding["source"]]


def _unbind(stack: Stack, state: State) -> None:
    messages = _broker(stack)
    with broker.management(messages) as client:
        for binding in state["bindings"]:
            path = _path(binding) + f"/{binding['properties_key']}"
            http.expect(http.ask(client, "DELETE", path), what=path)


def _bind(stack: Stack, state: State) -> None:
    messages = _broker(stack)
    with broker.management(messages) as client:
        for binding in state["bindings"]:
            value = {"routing_key": binding["routing_key"], "arguments": binding["arguments"]}
            http.expect(http.ask(client, "POST", _path(binding), value=value), what=binding["destination"])


def _path(binding: dict[str, Any]) -> str:
    return f"/api/bindings/{binding['vhost']}/e/{binding['source']}/q/{binding['destination']}"


def monitoring(stack: Stack) -> Metrics:
    """The monitoring; Unobservable when the stack has none."""
    return needed(stack.metrics, "monitoring")


def scrapes(stack: Stack) -> Path:
    """Prometheus' own configuration."""
    return directory(stack, "prometheus") / "prometheus.yml"


def reload_prometheus(stack: Stack) -> None:
    """As `systemctl reload prometheus` does."""
    home = str(directory(stack, "prometheus"))
    for process in psutil.process_iter():
        if _works_in(process, home):
            process.send_signal(signal.SIGHUP)


def _works_in(process: psutil.Process, home: str) -> bool:
    try:
        return process.cwd() == home
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _asks_no_cache(stack: Stack) -> bool:
    return not any(target.job == "cache" for target in metrics.targets(monitoring(stack)))


def _routes(stack: Stack) -> Path:
    return directory(stack, "gateway") / "dynamic.yml"


def _watched(stack: Stack) -> None:
    """Nothing to do: the gateway watches the file."""
    del stack


def _search_is_lost(stack: Stack) -> bool:
    if stack.gateway is None:
        msg = "the stack has no gateway"
        raise Unobservable(msg)
    with http.client(stack.gateway.ca, stack.gateway.url) as client:
        return http.ask(client, "GET", "/health/search").status != http.OK


MUTANTS: Final = (
    Mutant(
        id="MUT-CON-05",
        title="the tenant's queue lost its bindings when exchanges were tidied up",
        scope=Scope.STORE,
        controls=("CON-DIS-01",),
        prepare=lambda stack: {"bindings": _bindings(stack)},
        plant=_unbind,
        confirm=lambda stack, _state: not _bindings(stack),
        revert=_bind,
        fingerprint=lambda stack: "\n".join(sorted(str(sorted(binding.items())) for binding in _bindings(stack))),
    ),
    edited(
        "MUT-CON-06",
        "the cache was left out when the scrape jobs were sorted",
        controls=("CON-MET-01",),
        path=scrapes,
        change=lambda text: _CACHE_JOB.sub("", text),
        reload=reload_prometheus,
        holds=_asks_no_cache,
    ),
    edited(
        "MUT-CON-07",
        "the gateway leads to the port that the search service had before",
        controls=("CON-DIS-01", "CON-LIV-01"),
        path=_routes,
        change=lambda text: _SEARCH.sub(_NOWHERE, text),
        reload=_watched,
        holds=_search_is_lost,
    ),
)
