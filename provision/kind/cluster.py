"""The cluster itself: made, found again, and removed by its label; what runs in it is reached through here."""

from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING, Any, Final

import httpx

from constat import deadlines, wait
from constat.errors import NotReady, TargetError, UserError
from provision.commands import run
from provision.kind.api import Api
from provision.kind.configuration import CONFIGURATION, TOLD, files
from provision.secrets import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from provision.kind.configuration import Plan
    from provision.kind.places import Place

TOLD_DIRECTORY: Final = "cluster"
KUBECONFIG: Final = "kubeconfig"
CREATED: Final = "created.json"  # written when the cluster is whole
NODE_IMAGE_VARIABLE: Final = "CONSTAT_NODE_IMAGE"
_KIND_LABEL: Final = "io.x-k8s.kind.cluster"


class Cluster:
    """One stack's cluster; its name is the stack's with a prefix."""

    def __init__(self, directory: Path) -> None:
        """Take the stack's directory; nothing is made yet."""
        self._directory = directory
        self.name = f"constat-{directory.name}"
        self.told = directory / TOLD_DIRECTORY
        self.kubeconfig = directory / KUBECONFIG

    def is_created(self) -> bool:
        """Whether it was made to its end, and its containers exist."""
        return (self._directory / CREATED).exists() and bool(self.containers())

    def create(self, plan: Plan, secret: str) -> None:
        """Make it, over whatever an interrupted attempt has left; UserError when its name is somebody else's."""
        self.remove()
        self.told.mkdir(mode=0o700, exist_ok=True)
        for name, document in files(plan, secret).items():
            write_private(self.told / name, json.dumps(document, indent=1).encode())
        image = os.environ.get(NODE_IMAGE_VARIABLE) or plan.cluster.node_image
        run(
            (
                "kind",
                "create",
                "cluster",
                "--config",
                str(self.told / CONFIGURATION),
                "--image",
                image,
                "--kubeconfig",
                str(self.kubeconfig),
            ),
            within=deadlines.CLUSTER_CREATED,
        )
        write_private(self._directory / CREATED, json.dumps({"ports": plan.ports}).encode())

    def resume(self) -> None:
        """Start its nodes again, where the machine was restarted meanwhile."""
        run(("docker", "start", *self.containers()), within=deadlines.ENGINE_ANSWERS)

    def mapped(self) -> frozenset[int]:
        """The ports that it was made with."""
        return frozenset(json.loads((self._directory / CREATED).read_bytes())["ports"])

    def remove(self) -> bool:
        """Remove it if it is ours; UserError when it is not, False when there is none."""
        (self._directory / CREATED).unlink(missing_ok=True)
        found = self.containers()
        for container in found:
            self._require_ours(container)
        if found:
            run(("kind", "delete", "cluster", "--name", self.name, "--kubeconfig", str(self.kubeconfig)), within=deadlines.CLUSTER_DELETED)
        return bool(found)

    def containers(self) -> tuple[str, ...]:
        """The containers that are its nodes, by name, also those that are stopped."""
        listing = ("docker", "ps", "--all", "--filter", f"label={_KIND_LABEL}={self.name}", "--format", "{{.Names}}")
        return tuple(sorted(run(listing, within=deadlines.ENGINE_ANSWERS).split()))

    def workers(self) -> tuple[str, ...]:
        """The nodes that run the platform."""
        return tuple(name for name in self.containers() if "control-plane" not in name)

    def entrance(self) -> str:
        """The address from which what comes by a mapped port reaches the pods."""
        return self.address(self.control_plane)

    @property
    def control_plane(self) -> str:
        """The container that is the control plane."""
        return f"{self.name}-control-plane"

    def address(self, container: str) -> str:
        """A node's address; TargetError when it has none."""
        words = ("docker", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container)
        addresses = run(words, within=deadlines.ENGINE_ANSWERS).split()
        if not addresses:
            msg = f"container {container} has no address; start it with `docker start {container}`"
            raise TargetError(msg)
        return addresses[0]

    @functools.cached_property
    def api(self) -> Api:
        """Its API, by the access file that was written when it was made."""
        words = ("kubectl", "config", "view", "--raw", "--output=json", "--kubeconfig", str(self.kubeconfig))
        access: dict[str, Any] = json.loads(run(words, within=deadlines.ENGINE_ANSWERS))
        return Api(access, self._directory)

    def await_api(self) -> None:
        """Wait until the API server is ready."""
        wait.until(
            self.api.require_ready,
            what="the cluster's API is ready",
            within=deadlines.CLUSTER_CREATED,
            retry=(NotReady, httpx.TransportError),
            every=0.3,
        )

    def execute(self, place: Place, script: str) -> str:
        """Run a shell's script in a node's pod; TargetError with its last lines when it fails."""
        words = ("kubectl", "exec", f"--kubeconfig={self.kubeconfig}", f"--namespace={place.namespace}", "--stdin", place.pod)
        return run((*words, "--quiet", "--", "/bin/sh", "-s"), told=script.encode(), within=deadlines.NODE_COMMAND)

    def on(self, container: str, *words: str) -> str:
        """Run a command in one of the cluster's nodes, as its root."""
        return run(("docker", "exec", container, *words), within=deadlines.ENGINE_ANSWERS)

    def load(self, images: tuple[str, ...]) -> None:
        """Bring images into the workers; what is there already costs a look."""
        words = ("kind", "load", "docker-image", *images, "--name", self.name, "--nodes", ",".join(self.workers()))
        run(words, within=deadlines.IMAGES_LOADED)

    def _require_ours(self, container: str) -> None:
        """A node of ours is shown this stack's directory: that is its label, and it needs no API to be read."""
        mounts = json.loads(run(("docker", "inspect", "--format", "{{json .Mounts}}", container), within=deadlines.ENGINE_ANSWERS))
        if not is_ours(mounts, str(self.told)):
            msg = (
                f"container {container!r} belongs to a cluster {self.name!r} that was not made for this stack; "
                f"remove it yourself with `kind delete cluster --name {self.name}`, or choose another --name"
            )
            raise UserError(msg)


def is_ours(mounts: list[dict[str, Any]], told: str) -> bool:
    """Whether a container's mounts show it the directory that a stack's cluster is told by."""
    return any(mount.get("Source") == told and mount.get("Destination") == TOLD for mount in mounts)
