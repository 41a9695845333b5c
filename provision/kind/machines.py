"""Hurt and heal the nodes of a stack in a cluster; every fault is in the journal before it is applied."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from constat import deadlines, wait
from constat.errors import NotReady, TargetError, UserError
from provision.kind import runtime
from provision.kind.api import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provision.journal import Entry, Journal
    from provision.kind.places import Place
    from provision.kind.pods import Pods
    from provision.kind.site import KindSite


class KindMachines:
    """Implements `constat.machines.Machines` with the container runtime and the number of a node's pods."""

    def __init__(self, site: KindSite, pods: Pods, journal: Journal) -> None:
        """Take the stack's site, its pods and its journal."""
        self._site = site
        self._cluster = site.cluster
        self._pods = pods
        self._journal = journal

    def nodes(self) -> tuple[str, ...]:
        """Every node by name."""
        return tuple(sorted(self._site.places))

    def is_alive(self, node: str) -> bool:
        """Whether any process of the node exists, by the container runtime's own word."""
        return bool(runtime.tasks(self._cluster, self._place(node)))

    @contextlib.contextmanager
    def kill(self, node: str) -> Iterator[None]:
        """Kill every process of the node; no pod takes its place until the block ends."""
        self._place(node)
        entry = self._journal.open("fault", "kill", node)
        try:
            self._strike(node)
            yield
        finally:
            self.heal(entry)

    @contextlib.contextmanager
    def freeze(self, node: str) -> Iterator[None]:
        """Stop every process of the node without their notice until the block ends."""
        self._place(node)
        entry = self._journal.open("fault", "freeze", node)
        try:
            self._pause(node)
            yield
        finally:
            self.heal(entry)

    def heal(self, entry: Entry) -> None:
        """Undo a fault of the journal, and close it when the node is seen to live again."""
        node = entry.subject
        for task in self._of(node, "PAUSED"):
            runtime.resume(self._cluster, task)
        self._scale(node, 1)
        wait.until(lambda: self._living(node), what=f"node {node!r} is back", within=deadlines.STACK_HEALED, every=0.3)
        self._journal.close(entry)

    def _strike(self, node: str) -> None:
        # Paused first: no server must get the chance to shut down in order while the pod is taken away.
        self._pause(node)
        self._scale(node, 0)
        place = self._place(node)
        pod = {"kind": "Pod", "metadata": {"name": place.pod, "namespace": place.namespace}}
        self._cluster.api.delete(path_of(pod), grace_seconds=0)
        wait.until(lambda: self._end(node), what=f"node {node!r} is dead", within=deadlines.CLUSTER_NODE_ENDED)

    def _pause(self, node: str) -> None:
        for task in self._of(node, "RUNNING"):
            runtime.pause(self._cluster, task)
        wait.until(lambda: self._still(node), what=f"node {node!r} is frozen", within=deadlines.CLUSTER_NODE_ENDED)

    def _still(self, node: str) -> None:
        if running := self._of(node, "RUNNING"):
            msg = f"{len(running)} containers were still running"
            raise NotReady(msg)

    def _end(self, node: str) -> None:
        left = runtime.tasks(self._cluster, self._place(node))
        for task in left:
            # The kubelet may have ended it meanwhile; what counts is that the next look finds none.
            with contextlib.suppress(TargetError):
                runtime.kill(self._cluster, task)
        if left:
            msg = f"{len(left)} containers were left"
            raise NotReady(msg)

    def _living(self, node: str) -> None:
        seen = self._pods.of(node)
        if not seen or not all(container.running for container in seen) or self._of(node, "PAUSED"):
            msg = f"saw {[(container.process, container.waits_for or 'not running') for container in seen if not container.running]}"
            raise NotReady(msg)

    def _of(self, node: str, status: str) -> list[runtime.Task]:
        return [task for task in runtime.tasks(self._cluster, self._place(node)) if task.status == status]

    def _scale(self, node: str, replicas: int) -> None:
        place = self._place(node)
        pod_set = {"kind": "StatefulSet", "metadata": {"name": place.name, "namespace": place.namespace}}
        self._cluster.api.merge(path_of(pod_set), {"spec": {"replicas": replicas}})

    def _place(self, node: str) -> Place:
        if node not in self._site.places:
            msg = f"node {node!r} is unknown (known: {', '.join(self.nodes())})"
            raise UserError(msg)
        return self._site.places[node]
