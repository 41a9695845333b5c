"""The cluster is configured as the target asks, and reached from this machine alone."""

from __future__ import annotations

import base64
import json

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from constat.target import Cluster
from provision.kind.configuration import LOOPBACK, TOLD, Plan, audit_policy, configuration, encryption

PATCH = "kind: KubeletConfiguration\noomScoreAdj: 0\n"


def plan(*, ports: tuple[int, ...] = (30001, 30002), workers: int = 2) -> Plan:
    """A cluster with two mapped ports, a mount and a patch."""
    cluster = Cluster(workers=workers, mounts={"/srv/data": "/data"}, kubeadm_patches=(PATCH,))
    return Plan(name="constat-paper", stack_id="0" * 32, told="/var/lib/constat/paper/cluster", ports=ports, cluster=cluster)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 8))
def test_one_control_plane_and_the_workers_that_were_asked_for(workers: int) -> None:
    """The first node is the control plane, and every other is a worker."""
    roles = [node["role"] for node in configuration(plan(workers=workers))["nodes"]]

    assert roles == ["control-plane", *["worker"] * workers]


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(30000, 32767), max_size=80))
def test_every_port_is_mapped_once_and_to_loopback_alone(ports: set[int]) -> None:
    """A port has the same number on both sides, and nobody but this machine reaches it."""
    document = configuration(plan(ports=tuple(ports)))
    mapped = [mapping for node in document["nodes"] for mapping in node.get("extraPortMappings", ())]

    assert {(entry["hostPort"], entry["containerPort"]) for entry in mapped} == {(port, port) for port in ports}
    assert len(mapped) == len(ports)
    assert {entry["listenAddress"] for entry in mapped} <= {LOOPBACK}
    assert document["networking"]["apiServerAddress"] == LOOPBACK


def test_every_node_carries_the_mount_by_which_it_is_known() -> None:
    """Also a worker is recognised as the stack's when no API answers any more."""
    for node in configuration(plan())["nodes"]:
        assert {"hostPath": plan().told, "containerPath": TOLD, "readOnly": True} in node["extraMounts"]
        assert {"hostPath": "/srv/data", "containerPath": "/data", "readOnly": True} in node["extraMounts"]


def test_the_api_server_audits_and_encrypts() -> None:
    """The first patch names both files below the mount, and the target's own patches follow."""
    first, *others = configuration(plan())["kubeadmConfigPatches"]
    arguments = json.loads(first)["apiServer"]["extraArgs"]

    assert arguments["audit-policy-file"].startswith(TOLD)
    assert arguments["encryption-provider-config"].startswith(TOLD)
    assert others == [PATCH]


def test_secrets_are_written_encrypted_and_the_key_is_the_stacks() -> None:
    """What is written goes through the first provider, which holds a key of 32 bytes; another stack has another."""
    (resource,) = encryption("one")["resources"]
    first = resource["providers"][0]["secretbox"]["keys"][0]

    assert resource["resources"] == ["secrets"]
    assert len(base64.b64decode(first["secret"])) == 32
    assert encryption("one") == encryption("one") != encryption("two")


def test_no_content_of_a_request_is_audited() -> None:
    """The audit log holds who did what, and no Secret's content."""
    assert {rule["level"] for rule in audit_policy()["rules"]} == {"None", "Metadata"}


def test_what_is_written_is_yaml_with_the_same_meaning() -> None:
    """`kind` reads YAML, and JSON is some."""
    assert yaml.safe_load(json.dumps(configuration(plan()))) == configuration(plan())
