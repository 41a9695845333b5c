"""How the platform's pods are: looked at all at once, and no more often than is useful."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.clock import monotonic
from constat.errors import TargetError
from provision.kind.api import collection
from provision.kind.manifests import NODE_LABEL, PLACE, STACK_LABEL

if TYPE_CHECKING:
    from provision.kind.api import Api, Manifest
    from provision.kind.places import Place

FRESH_SECONDS: Final = 0.5
LINES: Final = 12
# A server that is started before what it needs may end a few times; one that goes on does not stay up.
RESTARTS: Final = 5
_HOPELESS: Final = frozenset(
    {"ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One container of a node, by the kubelet's word."""

    node: str
    process: str
    running: bool
    waits_for: str
    message: str
    restarts: int
    id: str
    machine: str


class Pods:
    """The pods of one stack, a moment old at most."""

    def __init__(self, api: Api, stack: str) -> None:
        """Take the cluster's API and the stack's id."""
        self._api = api
        self._stack = stack
        self._lock = threading.Lock()
        self._at = float("-inf")
        self._seen: tuple[Seen, ...] = ()

    def all(self) -> tuple[Seen, ...]:
        """Every container of every node, the ones that prepare a pod too."""
        with self._lock:
            if monotonic() - self._at > FRESH_SECONDS:
                found = self._api.get(collection("Pod"), labelSelector=f"{STACK_LABEL}={self._stack}")
                self._seen = tuple(container for pod in found["items"] for container in containers(pod))
                self._at = monotonic()
            return self._seen

    def of(self, node: str) -> tuple[Seen, ...]:
        """The containers of one node; none while its pod is not there."""
        return tuple(seen for seen in self.all() if seen.node == node)

    def require_hope(self, place: Place) -> None:
        """Raise TargetError, with the last log lines or the kubelet's complaint, when the node cannot start."""
        for seen in self.of(place.name):
            if seen.waits_for in _HOPELESS:
                msg = f"process {seen.process!r} on node {place.name!r} cannot start: {seen.waits_for}: {seen.message}"
                raise TargetError(msg)
            if seen.waits_for == "CrashLoopBackOff" and seen.restarts >= RESTARTS:
                said = self.log(place, seen.process, tail=LINES)
                msg = f"process {seen.process!r} on node {place.name!r} does not stay up; its last lines:\n{said}"
                raise TargetError(msg)

    def log(self, place: Place, process: str, *, tail: int | None = None) -> str:
        """What a process has written; of one that was started again, what it wrote before when it has written nothing yet."""
        path = f"{collection('Pod', place.namespace)}/{place.pod}/log"
        lines = {"tailLines": str(tail)} if tail else {}
        return self._api.text(path, container=process, **lines) or self._api.text(path, container=process, previous="true", **lines)


def containers(pod: Manifest) -> tuple[Seen, ...]:
    """The containers of one pod as the API shows it; those that prepared it are left out once they are done."""
    status = pod["status"]
    node, machine = pod["metadata"]["labels"][NODE_LABEL], pod["spec"].get("nodeName", "")
    preparing = [state for state in status.get("initContainerStatuses", ()) if not _is_done(state)]
    if not status.get("containerStatuses"):
        return (_pending(pod, node, machine),)
    return tuple(_seen(state, node, machine) for state in (*preparing, *status["containerStatuses"]))


def _seen(state: dict[str, Any], node: str, machine: str) -> Seen:
    waiting = state["state"].get("waiting") or {}
    return Seen(
        node=node,
        process=state["name"],
        running="running" in state["state"],
        waits_for=waiting.get("reason", ""),
        message=waiting.get("message", ""),
        restarts=state["restartCount"],
        id=state.get("containerID", "").rpartition("/")[2],
        machine=machine,
    )


def _pending(pod: Manifest, node: str, machine: str) -> Seen:
    """A pod that no machine has taken up yet, with the scheduler's reason."""
    reasons = [condition.get("message", "") for condition in pod["status"].get("conditions", ()) if condition["status"] == "False"]
    message = "; ".join(filter(None, reasons))
    return Seen(node=node, process=PLACE, running=False, waits_for="Pending", message=message, restarts=0, id="", machine=machine)


def _is_done(state: dict[str, Any]) -> bool:
    return bool((state["state"].get("terminated") or {}).get("exitCode") == 0)
