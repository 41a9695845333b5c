"""What the kubelets say of containers, and the one word for a component that follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constat.errors import TargetError
from provision.kind.manifests import NODE_LABEL
from provision.kind.places import Place
from provision.kind.pods import RESTARTS, Pods, Seen, containers
from provision.kind.states import word
from provision.platform.component import Node

PLACE = Place(node=Node(name="cache"), component="cache", namespace="viridial-staging")


def pod(*states: dict[str, Any], preparing: tuple[dict[str, Any], ...] = (), conditions: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    """A pod of the cache as the API shows it."""
    status = {"containerStatuses": list(states), "initContainerStatuses": list(preparing), "conditions": list(conditions)}
    return {"metadata": {"labels": {NODE_LABEL: "cache"}}, "spec": {"nodeName": "worker"}, "status": status}


def container(state: dict[str, Any], *, name: str = "redis", restarts: int = 0) -> dict[str, Any]:
    """A container in a state."""
    return {"name": name, "state": state, "restartCount": restarts, "containerID": "containerd://abc"}


RUNNING = {"running": {"startedAt": "now"}}
CRASHING = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}


class FakeApi:
    """An API server with one pod, which has said one thing."""

    def __init__(self, shown: dict[str, Any]) -> None:
        """Take the pod."""
        self._shown = shown
        self.looks = 0

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """The pod, and one look more."""
        del path, parameters
        self.looks += 1
        return {"items": [self._shown]}

    def text(self, path: str, **parameters: str) -> str:
        """What it has said before it was started again, and nothing since."""
        del path
        return "cannot bind\n" if "previous" in parameters else ""


def pods(shown: dict[str, Any]) -> Pods:
    """The pods of a cluster with one pod."""
    return Pods(FakeApi(shown), "0" * 32)  # type: ignore[arg-type]


def test_a_container_that_runs_is_hoped_for() -> None:
    """Nothing is raised while it runs, and its id is without the runtime's name."""
    (seen,) = containers(pod(container(RUNNING)))

    assert (seen.running, seen.id, seen.machine) == (True, "abc", "worker")
    pods(pod(container(RUNNING))).require_hope(PLACE)


def test_what_is_still_waited_for_is_hoped_for() -> None:
    """A server may end a few times before what it needs is there, and a pod that nobody has taken up yet has not failed."""
    pods(pod(container(CRASHING, restarts=RESTARTS - 1))).require_hope(PLACE)
    pods(pod(conditions=({"status": "False", "message": "0/3 nodes are available"},))).require_hope(PLACE)


def test_a_process_that_does_not_stay_up_is_named_with_its_last_lines() -> None:
    """Also when it has written nothing since it was started again."""
    with pytest.raises(TargetError, match=r"(?s)'redis' on node 'cache' does not stay up.*cannot bind"):
        pods(pod(container(CRASHING, restarts=RESTARTS))).require_hope(PLACE)


def test_an_image_that_is_not_there_is_hopeless_at_once() -> None:
    """The kubelet's own complaint is passed on."""
    waiting = {"waiting": {"reason": "ErrImageNeverPull", "message": "image is not present"}}
    with pytest.raises(TargetError, match="ErrImageNeverPull: image is not present"):
        pods(pod(container(waiting))).require_hope(PLACE)


def test_what_prepares_a_pod_is_seen_until_it_is_done() -> None:
    """A failure to place files is no mystery; success is not a container that does not run."""
    failed = container({"waiting": {"reason": "CreateContainerConfigError", "message": "secret not found"}}, name="place")
    done = container({"terminated": {"exitCode": 0}}, name="place")
    waiting = container({"waiting": {"reason": "PodInitializing"}})

    assert [seen.process for seen in containers(pod(waiting, preparing=(failed,)))] == ["place", "redis"]
    assert [seen.process for seen in containers(pod(container(RUNNING), preparing=(done,)))] == ["redis"]
    with pytest.raises(TargetError, match="secret not found"):
        pods(pod(waiting, preparing=(failed,))).require_hope(PLACE)


def test_many_questions_in_a_moment_are_one_look() -> None:
    """Twelve components that wait do not make twelve times the work."""
    api = FakeApi(pod(container(RUNNING)))
    shared = Pods(api, "0" * 32)  # type: ignore[arg-type]
    for _ in range(12):
        shared.all()

    assert api.looks == 1


def seen(node: str, *, running: bool, waits_for: str = "") -> Seen:
    """A container of a node."""
    return Seen(node=node, process="p", running=running, waits_for=waits_for, message="", restarts=0, id="", machine="")


def test_one_word_for_a_component() -> None:
    """Running means every container of every node; a node without a pod is never passed over."""
    both = frozenset({"a", "b"})

    assert word([], frozenset()) == "configured"
    assert word([], both) == "down"
    assert word([seen("a", running=True), seen("b", running=True)], both) == "running"
    assert word([seen("a", running=True)], both) == "degraded"
    assert word([seen("a", running=True), seen("b", running=False, waits_for="CrashLoopBackOff")], both) == "restarting"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from(["", "CrashLoopBackOff"])), max_size=8))
def test_running_is_said_of_nothing_less(observed: list[tuple[str, bool, str]]) -> None:
    """Whatever is seen, `running` is said only when each node has containers and all of them run."""
    found = [seen(node, running=running, waits_for=waits) for node, running, waits in observed]
    whole = {container.node for container in found} == {"a", "b", "c"} and all(container.running for container in found)

    assert (word(found, frozenset("abc")) == "running") == whole
