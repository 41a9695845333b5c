"""The processes of a pod, by the word of the container runtime on its machine; and what is done to them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from provision.kind.cluster import Cluster
    from provision.kind.places import Place

_RUNTIME: Final = ("ctr", "--namespace", "k8s.io")
_FIELDS: Final = 3
_RULE: Final = "--"


@dataclass(frozen=True)
class Task:
    """A container's processes: on which machine, and whether they run, are paused, or have ended."""

    machine: str
    id: str
    status: str


def tasks(cluster: Cluster, place: Place) -> tuple[Task, ...]:
    """Every task of the node's pod, wherever it is; one that has ended is not among them."""
    return tuple(task for machine in cluster.workers() for task in _on(cluster, machine, place) if task.status in {"RUNNING", "PAUSED"})


def pause(cluster: Cluster, task: Task) -> None:
    """Stop its processes without their notice."""
    cluster.on(task.machine, *_RUNTIME, "tasks", "pause", task.id)


def resume(cluster: Cluster, task: Task) -> None:
    """Let its processes go on."""
    cluster.on(task.machine, *_RUNTIME, "tasks", "resume", task.id)


def kill(cluster: Cluster, task: Task) -> None:
    """End all its processes at once; those of one that is paused end before they could do anything else."""
    kill_it = shlex.join((*_RUNTIME, "tasks", "kill", "--all", "--signal", "SIGKILL", task.id))
    cluster.on(task.machine, "/bin/sh", "-c", f"{kill_it}; {shlex.join((*_RUNTIME, 'tasks', 'resume', task.id))} || true")


def parsed(said: str, machine: str) -> tuple[Task, ...]:
    """The tasks of a pod's containers: their ids, a rule, and the runtime's table of all tasks (`TASK PID STATUS`)."""
    ids, _, table = said.partition(_RULE)
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    return tuple(Task(machine, row[0], row[2]) for row in rows if len(row) == _FIELDS and row[0] in ids.split())


def _on(cluster: Cluster, machine: str, place: Place) -> tuple[Task, ...]:
    # The container that only holds the pod's namespaces is no process of the node.
    chosen = ",".join(
        (
            f'labels."io.kubernetes.pod.name"=={place.pod}',
            f'labels."io.kubernetes.pod.namespace"=={place.namespace}',
            'labels."io.cri-containerd.kind"==container',
        )
    )
    list_ids = shlex.join((*_RUNTIME, "containers", "list", "--quiet", chosen))
    list_tasks = shlex.join((*_RUNTIME, "tasks", "list"))
    return parsed(cluster.on(machine, "/bin/sh", "-c", f"set -e; {list_ids}; echo {_RULE}; {list_tasks}"), machine)
