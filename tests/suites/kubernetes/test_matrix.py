"""What is expected follows from the declared flows, and what is observed is held against it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.observe.kubernetes import Pod, Service
from constat.observe.pods import Process, by_container
from constat.outcome import Outcome
from constat.stack import ClusterFlow, ClusterMachine, Kubernetes, Listener
from suites.kubernetes.matrix import Place, Vantage, expected, judge, places, tried
from suites.kubernetes.test_network import judge_within, vantages
from tests.suites.kubernetes.test_runtime import CONFINED

LABEL = "constat.dev/node"
CLUSTER = Kubernetes(
    url="https://127.0.0.1:6443",
    ca="/nowhere",
    administrator="/nowhere",
    machines=(
        ClusterMachine(name="door", address="172.18.0.2", console=("true",), is_control_plane=True),
        ClusterMachine(name="worker", address="172.18.0.3", console=("true",)),
    ),
    system={"kube-system": "its own"},
    node_label=LABEL,
    flows=(ClusterFlow(source="property", node="cache", port=6379),),
    bounds={},
    image="constat/any:1",
)
LISTENERS = (Listener(node="cache", name="redis", port=6379, tls=True, protocol="redis"),)


def pod(node: str, address: str, container: str, **labels: str) -> Pod:
    """A node of the platform."""
    return Pod(
        namespace="viridial",
        name=f"{node}-0",
        uid=node,
        machine="worker",
        address=address,
        labels={LABEL: node, **labels},
        containers={container: "server"},
        on_host=False,
    )


def process(container: str, *ports: int, shared: tuple[str, ...] = ()) -> Process:
    """A process that listens."""
    return replace(CONFINED, container=container, listens=frozenset(("tcp", port) for port in ports), shared=shared)


CACHE, PROPERTY, DNS = (
    pod("cache", "10.244.1.5", "c1"),
    pod("property", "10.244.1.6", "c2"),
    replace(pod("", "10.244.0.2", "c3"), labels={"k8s-app": "kube-dns"}, namespace="kube-system"),
)
SERVICE = Service(namespace="viridial", name="cache", address="10.96.0.7", selector={LABEL: "cache"}, ports=((6379, 6379, 30000),))
API = Service(namespace="default", name="kubernetes", address="10.96.0.1", selector={}, ports=((443, 6443, 0),))
SEEN = by_container([process("c1", 6379, 9999), process("c2", 8000), process("c3", 53, 9153), process("kubelet", 10250, shared=("net",))])
KNOWN = {place.name: place for place in places([CACHE, PROPERTY, DNS], [SERVICE, API], SEEN, CLUSTER)}
FROM_PROPERTY = Vantage(name="property", machine="worker", pid=7, address="10.244.1.6", node="property")
STRANGER = Vantage(name="stranger", machine="worker", pid=8, address="10.244.1.9")
DOOR = Vantage(name="machine door", machine="door", pid=1, address="172.18.0.2", is_machine=True)


def wanted(vantage: Vantage) -> set[str]:
    """What must be open from there."""
    return {place.name for place in tried(vantage, KNOWN.values()) if expected(vantage, place, CLUSTER, LISTENERS)}


def test_whatever_listens_is_a_place() -> None:
    """Declared or not: by pod, by service, and on the machines."""
    assert set(KNOWN) == {
        "viridial/cache-0:6379",
        "viridial/cache-0:9999",
        "viridial/property-0:8000",
        "kube-system/-0:53",
        "kube-system/-0:9153",
        "service viridial/cache:6379",
        "service default/kubernetes:443",
        "machine worker:10250",
    }


def test_a_node_reaches_its_declared_flows_and_names() -> None:
    """By pod and by service; not another port of the same pod, not the API, not a kubelet."""
    assert wanted(FROM_PROPERTY) == {"viridial/cache-0:6379", "service viridial/cache:6379", "kube-system/-0:53"}


def test_a_stranger_reaches_names_alone() -> None:
    """Whoever is no node of the platform has no flow, and is tried with everything."""
    assert wanted(STRANGER) == {"kube-system/-0:53"}
    assert len(tried(STRANGER, KNOWN.values())) == len(KNOWN)


def test_the_door_reaches_what_is_mapped() -> None:
    """The listeners that are reached from outside, at the pods of other machines."""
    assert wanted(DOOR) == {"viridial/cache-0:6379", "kube-system/-0:53"}
    assert "machine worker:10250" not in {place.name for place in tried(DOOR, KNOWN.values())}


def test_a_machine_is_not_tried_with_its_own_pods() -> None:
    """Kubernetes lets a kubelet reach the pods that it runs."""
    worker = replace(DOOR, name="machine worker", machine="worker", address="172.18.0.3")

    assert tried(worker, KNOWN.values()) == ()


def test_what_is_the_clusters_is_tried_with_the_platform_alone() -> None:
    """Where its own parts go among themselves, nobody has declared."""
    system = replace(STRANGER, address="10.244.0.2", is_system=True)

    assert {place.name for place in tried(system, KNOWN.values())} == {
        "viridial/cache-0:6379",
        "viridial/cache-0:9999",
        "viridial/property-0:8000",
        "service viridial/cache:6379",
    }


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        ({"a": True, "b": False}, Outcome.PASS),
        ({"a": True, "b": True}, Outcome.FAIL),
        ({"a": False, "b": True}, Outcome.FAIL),
        ({"a": False, "b": False}, Outcome.ERROR),
        ({}, Outcome.ERROR),
    ],
)
def test_a_vantage_point_is_judged_by_both_directions(seen: dict[str, bool], outcome: Outcome) -> None:
    """Shut doors count only where the open one was open."""
    assert judge(STRANGER, {"a": True, "b": False}, seen).outcome is outcome


def test_a_flow_that_was_lost_beside_others_is_a_failure() -> None:
    """Somebody has closed it, for the others are open."""
    wants = {"a": True, "b": True}

    assert judge(STRANGER, wants, {"a": True, "b": False}).outcome is Outcome.FAIL


def test_a_place_is_known_by_where_it_is() -> None:
    """Two services of the same port are two doors."""
    assert isinstance(KNOWN["service viridial/cache:6379"], Place)
    assert KNOWN["service viridial/cache:6379"].door.address == "10.96.0.7"


def test_a_port_that_is_dead_proves_nothing_of_policies() -> None:
    """Every port must answer its own pod, and there must be one."""
    assert judge_within({"a": True}).outcome is Outcome.PASS
    assert judge_within({"a": True, "b": False}).outcome is Outcome.ERROR
    assert judge_within({}).outcome is Outcome.ERROR


def test_a_pod_is_looked_from_by_the_process_that_it_lives_with() -> None:
    """Others may have ended when their turn comes."""
    brief, lasting = replace(process("c1", 6379), pid=3, is_first=False), replace(process("c1", 6379), pid=99)

    assert [vantage.pid for vantage in vantages([CACHE], by_container([brief, lasting]), CLUSTER)] == [99]
