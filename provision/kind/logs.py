"""Everything that was said in a cluster, for somebody who has to find out what went wrong."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import httpx

from constat.errors import TargetError
from provision.kind.api import collection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from provision.kind.pods import Pods
    from provision.kind.site import KindSite


def collect(site: KindSite, pods: Pods, into: Path) -> None:
    """Write each process's log, the cluster's events and pods, and each machine's journal; what cannot be had says why."""
    for seen in pods.all():
        _keep(into / seen.node / f"{seen.process}.log", functools.partial(pods.log, site.places[seen.node], seen.process))
    _keep(into / "events.txt", lambda: events(site))
    _keep(into / "pods.json", lambda: json.dumps(site.cluster.api.get(collection("Pod")), indent=1))
    for machine in site.cluster.containers():
        _keep(into / f"{machine}.journal", functools.partial(site.cluster.on, machine, "journalctl", "--no-pager", "--lines=2000"))


def events(site: KindSite) -> str:
    """What the cluster's own parts have to say, a line each, the oldest first."""
    found = site.cluster.api.get("/api/v1/events")["items"]
    lines = [
        f"{event.get('lastTimestamp') or event.get('eventTime') or ''} {event['involvedObject'].get('namespace', '')}"
        f"/{event['involvedObject'].get('name', '')} {event.get('reason', '')}: {event.get('message', '')}"
        for event in found
    ]
    return "\n".join(sorted(lines)) + "\n"


def _keep(path: Path, look: Callable[[], str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_text(look(), "utf-8")
    except (TargetError, httpx.TransportError) as problem:
        path.write_text(f"could not be had: {type(problem).__name__}: {problem}\n", "utf-8")
