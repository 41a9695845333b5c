"""The network is closed, and opened for exactly what is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from provision.kind.ground import ground
from provision.kind.manifests import NODE_LABEL
from provision.kind.places import namespaces
from provision.kind.policies import UNUSED
from provision.platform.flows import flows

if TYPE_CHECKING:
    from provision.kind.site import KindSite

DOOR = "172.18.0.2"


@pytest.fixture(scope="module")
def objects(site: KindSite) -> list[dict[str, Any]]:
    """What is there before the first component is."""
    return list(ground(site, "0" * 32, DOOR))


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The objects of one kind."""
    return [entry for entry in objects if entry["kind"] == kind]


def test_every_namespace_is_restricted_bounded_and_closed(objects: list[dict[str, Any]], site: KindSite) -> None:
    """Pod Security, a quota, limits and a denial both ways in each of them, tenants' too."""
    wanted = {*namespaces(site.target), *UNUSED}
    denying = {
        policy["metadata"]["namespace"]
        for policy in of_kind(objects, "NetworkPolicy")
        if policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    restricted = {
        entry["metadata"]["name"]
        for entry in of_kind(objects, "Namespace")
        if entry["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    }

    assert {"viridial-staging", "viridial-production", "viridial-monitoring", "viridial-tenant-t1", "viridial-tenant-t10"} <= wanted
    assert denying == wanted == restricted
    for kind in ("ResourceQuota", "LimitRange"):
        assert {entry["metadata"]["namespace"] for entry in of_kind(objects, kind)} == wanted


def opened(objects: list[dict[str, Any]], direction: str, peers: str) -> set[tuple[str, str, int]]:
    """Every pair of pods that a direction's rules admit: whose rule it is, the other, and the port."""
    return {
        (policy["spec"]["podSelector"]["matchLabels"][NODE_LABEL], peer["podSelector"]["matchLabels"][NODE_LABEL], port["port"])
        for policy in of_kind(objects, "NetworkPolicy")
        if policy["spec"]["podSelector"]
        for rule in policy["spec"][direction]
        for peer in rule[peers]
        if "podSelector" in peer
        for port in rule["ports"]
    }


def test_both_ends_of_every_declared_flow_are_open_and_nothing_else(objects: list[dict[str, Any]], site: KindSite) -> None:
    """What goes out is what comes in is what is declared."""
    declared = {(flow.source, flow.node, site.address(flow.node, flow.socket).port) for flow in flows(site.nodes)}

    assert len(declared) > 50
    assert opened(objects, "egress", "to") == declared
    assert {(source, node, port) for node, source, port in opened(objects, "ingress", "from")} == declared


def test_only_the_door_comes_from_outside(objects: list[dict[str, Any]]) -> None:
    """No rule admits a range of addresses, and none lets a pod out to one."""
    rules = [
        (direction, peer["ipBlock"]["cidr"])
        for policy in of_kind(objects, "NetworkPolicy")
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for rule in policy["spec"].get(direction, ())
        for peer in rule[peers]
        if "ipBlock" in peer
    ]

    assert set(rules) == {("ingress", f"{DOOR}/32")}


def test_a_service_is_there_for_every_node_that_is_reached(objects: list[dict[str, Any]], site: KindSite) -> None:
    """Servers that look names up once find all of them, and every mapped port leads somewhere."""
    services = [entry for entry in of_kind(objects, "Service") if entry["spec"].get("type") == "NodePort"]
    ports = [port["nodePort"] for entry in services for port in entry["spec"]["ports"]]

    assert {entry["metadata"]["name"] for entry in services} == {node.name for node in site.reached if node.sockets}
    assert sorted(ports) == sorted(site.ports)
