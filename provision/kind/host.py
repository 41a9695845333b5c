"""Puts a component's plan into the cluster: files as Secrets, processes as pods."""

from __future__ import annotations

import base64
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from constat.errors import ConstatError
from provision.kind.manifests import Workload, manifests
from provision.kind.pods import LINES
from provision.platform.component import File

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provision.kind.places import Place
    from provision.kind.pods import Pods
    from provision.kind.site import KindSite
    from provision.platform.component import Plan, Process

_CERTIFICATES = (("ca.pem", 0o644), ("cert.pem", 0o644), ("key.pem", 0o600))


class KindHost:
    """Implements `provision.bringup.Host`."""

    def __init__(self, site: KindSite, *, stack: str, images: Mapping[str, str], pods: Pods) -> None:
        """Take where to put it, the stack's id, each component's image, and how pods are looked at."""
        self._site = site
        self._stack = stack
        self._images = images
        self._pods = pods

    def apply(self, component: str, plan: Plan) -> None:
        """Put the component's nodes there; files for a node of another component go into its pod as it runs."""
        for file in plan.files:
            self._site.keep_copy(file)
        own = [place for place in self._site.places.values() if place.component == component]
        for place in own:
            self._site.cluster.api.apply_all(manifests(self._workload(place, plan)))
        for node in {file.node for file in plan.files} - {place.name for place in own}:
            self._bring(self._site.places[node], [file for file in plan.files if file.node == node])

    def check(self, plan: Plan) -> None:
        """Raise TargetError with the last log lines when a process cannot start."""
        for node in {process.node for process in plan.processes}:
            self._pods.require_hope(self._site.places[node])

    def last_words(self, plan: Plan) -> str:
        """What the plan's processes have written last, or why that is not to be had."""
        return "\n".join(f"{process.name} on {process.node}:\n{self._tail(process)}" for process in plan.processes)

    def _tail(self, process: Process) -> str:
        try:
            return self._pods.log(self._site.places[process.node], process.name, tail=LINES)
        except ConstatError as problem:
            return f"  {problem}"

    def _workload(self, place: Place, plan: Plan) -> Workload:
        return Workload(
            place=place,
            stack=self._stack,
            image=self._images[place.component],
            processes=tuple(process for process in plan.processes if process.node == place.name),
            files=(*self._certificates(place), *(file for file in plan.files if file.node == place.name)),
            directories=tuple(path for node, path in plan.directories if node == place.name),
            peers=Counter(other.component for other in self._site.places.values())[place.component],
            address_of={socket.name: self._site.address(place.name, socket.name).port for socket in place.node.sockets},
        )

    def _certificates(self, place: Place) -> tuple[File, ...]:
        self._site.certificate(place.name)
        return tuple(
            File(node=place.name, path=name, content=Path(self._site.path(place.name, name)).read_bytes(), mode=mode)
            for name, mode in _CERTIFICATES
        )

    def _bring(self, place: Place, files: list[File]) -> None:
        self._site.cluster.execute(place, bringing(place, files))


def bringing(place: Place, files: list[File]) -> str:
    """The script that writes files into a pod that runs."""
    lines = ["set -eu", "umask 077"]
    for file in files:
        path = f"{place.directory}/{file.path}"
        content = file.content.encode() if isinstance(file.content, str) else file.content
        lines += [
            f"mkdir -p {shlex.quote(path.rpartition('/')[0])}",
            f"base64 -d >{shlex.quote(path)} <<'END'\n{base64.b64encode(content).decode()}\nEND",
            f"chmod {file.mode:o} {shlex.quote(path)}",
        ]
    return "\n".join(lines) + "\n"
