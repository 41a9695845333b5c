"""Where the platform is put in a cluster: the harness's view by mapped ports, the nodes' by service names."""

from __future__ import annotations

import shlex
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from provision.certificates import Authority
from provision.kind.places import certificate_names, places
from provision.platform.component import Address, Certificate, Python
from provision.ports import LOOPBACK, Ports
from provision.secrets import SecretFile, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Target
    from provision.kind.cluster import Cluster
    from provision.kind.places import Place
    from provision.platform.component import Component, File, Node

SECRETS_FILE: Final = "secrets.json"
COPIES: Final = "nodes"
# What Kubernetes reserves for ports that every node of the cluster listens on; a port of
# ours is the same number there, on this machine's loopback, and in the pod.
NODE_PORTS: Final = range(30000, 32768)
# The account of every image.
ACCOUNT: Final = 10001
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - of the pod alone; who reaches it, the network policies say
PROGRAMS: Final = "/usr/local/bin"
PACKAGES: Final = "/opt/constat"
# Below the node's directory.
TEMPORARY: Final = "tmp"


class KindSite:
    """Implements `provision.platform.component.Site` as the harness sees it."""

    def __init__(self, directory: Path, target: Target, components: tuple[Component, ...], cluster: Cluster) -> None:
        """Take the stack's directory, the components, and the cluster that they are put into."""
        self.directory = directory
        self.cluster = cluster
        self.places = places(components, target)
        self.kept = SecretFile(directory / SECRETS_FILE)
        self._target = target
        self._authority = Authority(directory / "ca")
        self._ports = Ports(directory, NODE_PORTS)
        self._issuing = threading.Lock()
        self._ports.declare([f"{place.name}/{socket.name}" for place in self.places.values() for socket in place.node.sockets])

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.directory.name

    @property
    def target(self) -> Target:
        """What is promised."""
        return self._target

    @property
    def inside(self) -> InsideSite:
        """The cluster as its pods see it."""
        return InsideSite(self)

    @property
    def ca_path(self) -> str:
        """The stack's own certificate authority."""
        return str(self._authority.path)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every declared node."""
        return tuple(place.node for place in self.places.values())

    @property
    def reached(self) -> tuple[Node, ...]:
        """Every node with the sockets that others can reach."""
        return tuple(replace(node, sockets=tuple(socket for socket in node.sockets if not socket.own)) for node in self.nodes)

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that is reached from this machine."""
        return tuple(self.address(node.name, socket.name).port for node in self.reached for socket in node.sockets)

    def address(self, node: str, socket: str) -> Address:
        """Where a declared socket is reached from this machine."""
        return Address(host=LOOPBACK, port=self._ports[f"{node}/{socket}"])

    def bind(self, node: str) -> str:
        """The address that the node's servers bind to."""
        return self.inside.bind(node)

    def path(self, node: str, *parts: str) -> str:
        """The harness's copy of what was planned for the node."""
        return str(self.directory.joinpath(COPIES, self.places[node].name, *parts))

    def certificate(self, node: str) -> Certificate:
        """The copy of the node's certificate; issued when it is first asked for."""
        paths = Certificate(ca=self.path(node, "ca.pem"), cert=self.path(node, "cert.pem"), key=self.path(node, "key.pem"))
        with self._issuing:
            if not Path(paths.key).exists():
                issued = self._authority.issue(node, certificate_names(self.places[node], self.places))
                for path, content in ((paths.ca, self._authority.path.read_bytes()), (paths.cert, issued.cert), (paths.key, issued.key)):
                    _write(Path(path), content)
        return paths

    def secret(self, name: str) -> str:
        """A generated secret."""
        return self.kept.generate(name)

    def keep(self, name: str, value: str) -> None:
        """Remember a secret that a server generated."""
        self.kept.put(name, value)

    def recall(self, name: str) -> str | None:
        """A kept secret, or None when it was never made."""
        return self.kept.get(name)

    def program(self, name: str) -> str:
        """Where the images keep a program."""
        return f"{PROGRAMS}/{name}"

    @property
    def python(self) -> Python:
        """The interpreter of the services' image."""
        return Python(program="/usr/bin/python3", packages=PACKAGES)

    def owner(self, node: str) -> str:
        """The account of every image, by its number."""
        del node  # the same everywhere
        return str(ACCOUNT)

    def run(self, node: str, command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> str:
        """Run a command in the node's pod; TargetError with its last lines when it fails."""
        return self.cluster.execute(self.places[node], script(self.places[node], command, environment or {}))

    def keep_copy(self, file: File) -> None:
        """Keep a component's file where the harness reads it."""
        _write(Path(self.path(file.node, file.path)), file.content.encode() if isinstance(file.content, str) else file.content)


class InsideSite:
    """The same site as its nodes see it."""

    def __init__(self, outside: KindSite) -> None:
        """Take the harness's view."""
        self._outside = outside
        self.name = outside.name
        self.target = outside.target
        self.ca_path = outside.ca_path
        self.python = outside.python
        self.secret = outside.secret
        self.keep = outside.keep
        self.recall = outside.recall
        self.program = outside.program
        self.owner = outside.owner
        self.run = outside.run

    @property
    def inside(self) -> InsideSite:
        """Itself."""
        return self

    def address(self, node: str, socket: str) -> Address:
        """Where a declared socket is reached from other nodes: the same port under the node's name."""
        return Address(host=self._outside.places[node].host, port=self._outside.address(node, socket).port)

    def bind(self, node: str) -> str:
        """A pod has one address, which nobody knows beforehand."""
        del node  # the same everywhere
        return EVERYWHERE

    def path(self, node: str, *parts: str) -> str:
        """A path below the node's directory in its pod."""
        return "/".join((self._outside.places[node].directory, *parts))

    def certificate(self, node: str) -> Certificate:
        """The node's certificate in its pod."""
        self._outside.certificate(node)
        return Certificate(ca=self.path(node, "ca.pem"), cert=self.path(node, "cert.pem"), key=self.path(node, "key.pem"))


def environment(place: Place) -> dict[str, str]:
    """What a node's processes start with."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": place.directory,
        "TMPDIR": f"{place.directory}/{TEMPORARY}",
    }


def script(place: Place, command: tuple[str, ...], more: Mapping[str, str]) -> str:
    """What a shell on the node is told: by its input, because arguments are everybody's to read."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in (environment(place) | dict(more)).items()]
    return "\n".join([*exports, f"cd {shlex.quote(place.directory)}", f"exec {shlex.join(command)} </dev/null"]) + "\n"


def _write(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, content)
