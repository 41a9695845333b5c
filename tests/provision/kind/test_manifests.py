"""What is planned for a node arrives in its pod, and the pod may do nothing else."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.kind.host import KindHost, bringing
from provision.kind.manifests import MEMORY_LIMIT, PLACE, PLANNED, Workload, digest, manifests, placing, service
from provision.kind.places import Place
from provision.platform.component import File, Node, Plan, Process

if TYPE_CHECKING:
    from provision.kind.site import KindSite
    from provision.platform.component import Component

NODE = Place(node=Node(name="cache"), component="cache", namespace="viridial-staging")


def workload(*, files: tuple[File, ...] = (), command: tuple[str, ...] = ("/bin/true",), image: str = "constat/cache:1") -> Workload:
    """A node with one process."""
    process = Process(name="redis", node="cache", command=command)
    return Workload(
        place=NODE,
        stack="0" * 32,
        image=image,
        processes=(process,),
        files=files,
        directories=("data",),
        peers=1,
        address_of={"redis": 30001},
    )


def pod(objects: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """The pod of a node's objects."""
    found: dict[str, Any] = next(entry for entry in objects if entry["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    return found


@pytest.fixture(scope="module")
def platform(site: KindSite, components: tuple[Component, ...]) -> dict[str, tuple[dict[str, Any], ...]]:
    """Every node of the reference platform as objects, by the node's name."""
    host = KindHost(site, stack="0" * 32, images=Counter({component.name: 1 for component in components}), pods=None)  # type: ignore[arg-type]
    plans = {component.name: component.plan(site.inside) for component in components}
    return {place.name: manifests(host._workload(place, plans[place.component])) for place in site.places.values()}


def test_every_pod_of_the_platform_is_confined(platform: dict[str, tuple[dict[str, Any], ...]]) -> None:
    """No pod has root, a capability, a writable root, a token, or the right to gain any of these."""
    assert len(platform) >= 20
    for objects in platform.values():
        spec = pod(objects)
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (*spec["initContainers"], *spec["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"] == {"memory": MEMORY_LIMIT}


def test_no_secret_stands_in_a_pod(platform: dict[str, tuple[dict[str, Any], ...]], site: KindSite) -> None:
    """Passwords and keys are in Secrets alone: who may look at a pod learns none."""
    secrets = [secret for secret in site.kept.all() if len(secret) > 8]
    told = [word for objects in platform.values() for entry in objects if entry["kind"] != "Secret" for word in str(entry).split("'")]

    assert secrets
    assert [word for word in told if any(secret in word for secret in secrets)] == []


def test_the_harness_loopback_is_in_no_file_of_a_node(site: KindSite, components: tuple[Component, ...]) -> None:
    """Nodes find each other by name; 127.0.0.1 is a pod itself, which only the gateway speaks to."""
    files = [file for component in components for file in component.plan(site.inside).files if isinstance(file.content, str)]
    wrong = {file.node for file in files if "127.0.0.1" in file.content}

    assert wrong <= {"gateway"}


def test_every_planned_file_is_in_the_secret_and_in_the_script() -> None:
    """A file's content is carried as it is, and its path and mode are in the script that places it."""
    files = (File(node="cache", path="a/b.conf", content="one\n"), File(node="cache", path="key", content=b"\x00\xff", mode=0o400))
    secret = next(entry for entry in manifests(workload(files=files)) if entry["kind"] == "Secret")

    assert base64.b64decode(secret["data"]["0"]) == b"one\n"
    assert base64.b64decode(secret["data"]["1"]) == b"\x00\xff"
    script = base64.b64decode(secret["data"][PLACE]).decode()
    assert f"install -m 600 {PLANNED}/0 /var/lib/constat/cache/a/b.conf" in script
    assert f"install -m 400 {PLANNED}/1 /var/lib/constat/cache/key" in script


def test_the_script_places_files_with_their_modes(tmp_path: Path) -> None:
    """Run for real, it makes private directories and writes every file; run again, also over one that nobody may write."""
    planned, root = tmp_path / "planned", tmp_path / "root"
    planned.mkdir()
    files = (File(node="cache", path="deep/er/a", content="x"), File(node="cache", path="b", content="y", mode=0o400))
    for number, file in enumerate(files):
        (planned / str(number)).write_text(str(file.content))
    script = placing(workload(files=files)).replace(PLANNED, str(planned)).replace("/var/lib/constat", str(root))

    for _ in range(2):
        subprocess.run(["/bin/sh", "-c", script], check=True)

    assert (root / "cache/deep/er/a").read_text() == "x"
    assert (root / "cache/b").stat().st_mode & 0o777 == 0o400
    assert {path.stat().st_mode & 0o777 for path in (root / "cache", root / "cache/data", root / "cache/tmp", root / "cache/deep")} == {
        0o700
    }


@settings(deadline=None, max_examples=20)
@given(st.binary(max_size=200), st.sampled_from([0o400, 0o600, 0o644]))
def test_a_file_is_brought_to_a_pod_that_runs_as_it_is(content: bytes, mode: int) -> None:
    """Every byte survives the shell, and the mode is set."""
    with tempfile.TemporaryDirectory() as root:
        script = bringing(NODE, [File(node="cache", path="sub dir/it's", content=content, mode=mode)]).replace("/var/lib/constat", root)
        subprocess.run(["/bin/sh", "-s"], input=script.encode(), check=True)
        path = Path(root) / "cache" / "sub dir" / "it's"
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == mode


def test_a_pod_is_replaced_when_what_it_is_made_of_changes() -> None:
    """Another file, mode, command or image is another pod; the same is the same."""
    file = File(node="cache", path="a", content="1")
    seen = {
        digest(workload(files=(file,))),
        digest(workload(files=(File(node="cache", path="a", content="2"),))),
        digest(workload(files=(File(node="cache", path="a", content="1", mode=0o644),))),
        digest(workload(files=(file,), command=("/bin/false",))),
        digest(workload(files=(file,), image="constat/cache:2")),
    }

    assert len(seen) == 5
    assert digest(workload(files=(file,))) in seen


def test_a_shells_own_substitution_is_not_kubernetes() -> None:
    """`$(…)` in a command reaches the shell."""
    container = pod(manifests(workload(command=("/bin/sh", "-c", "echo $(date)"))))["containers"][0]

    assert container["command"][2] == "echo $$(date)"


def test_a_socket_has_one_number_everywhere() -> None:
    """The port of a node is that of its pod, its service, and of every machine of the cluster."""
    (port,) = service(NODE, "0" * 32, {"redis": 30001})["spec"]["ports"]

    assert (port["port"], port["targetPort"], port["nodePort"]) == (30001, 30001, 30001)


def test_a_plan_for_other_nodes_leaves_this_one_alone(site: KindSite) -> None:
    """What a component plans for a node of another is not in its own nodes' Secrets."""
    host = KindHost(site, stack="0" * 32, images={"cache": "constat/cache:1"}, pods=None)  # type: ignore[arg-type]
    plan = Plan(
        files=(File(node="postgres-1", path="x", content=""),), processes=(Process(name="redis", node="cache", command=("/bin/true",)),)
    )

    assert [file.path for file in host._workload(site.places["cache"], plan).files] == ["ca.pem", "cert.pem", "key.pem"]
