"""Where the embedded platform is put: loopback ports, one directory a node, one file of secrets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import HarnessError, TargetError
from provision.certificates import Authority
from provision.embedded.accounts import Account, Accounts
from provision.platform.component import Address, Certificate, Python
from provision.ports import LOOPBACK, Ports
from provision.programs import find
from provision.secrets import SecretFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Target
    from provision.platform.component import File, Node

SECRETS_FILE = "secrets.json"
CHECKOUT: Final = Path(__file__).resolve().parents[2]
# What every process of the stack carries, so that one which left its group is still recognised.
NODE_VARIABLE = "CONSTAT_NODE"


class EmbeddedSite:
    """Implements `provision.platform.component.Site` on this machine."""

    def __init__(self, directory: Path, target: Target, nodes: tuple[Node, ...]) -> None:
        """Take the stack's directory and the nodes of every component."""
        self.directory = directory
        self._target = target
        self._nodes = {node.name: node for node in nodes}
        self._secrets = SecretFile(directory / SECRETS_FILE)
        self._authority = Authority(directory / "ca")
        self._ports = Ports(directory)
        self._accounts = Accounts(directory)
        self._issuing = threading.Lock()
        self._ports.declare([f"{node.name}/{socket.name}" for node in nodes for socket in node.sockets])
        for node in nodes:
            self._prepare(node)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.directory.name

    @property
    def target(self) -> Target:
        """What is promised."""
        return self._target

    @property
    def inside(self) -> EmbeddedSite:
        """The harness and the nodes are on one machine."""
        return self

    @property
    def ca_path(self) -> str:
        """The stack's own certificate authority."""
        return str(self._authority.path)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every declared node."""
        return tuple(self._nodes.values())

    def address(self, node: str, socket: str) -> Address:
        """Where a declared socket is reached."""
        return Address(host=LOOPBACK, port=self._ports[f"{node}/{socket}"])

    def bind(self, node: str) -> str:
        """Everything binds to loopback."""
        del node  # the same for all on one machine
        return LOOPBACK

    def path(self, node: str, *parts: str) -> str:
        """A path below the node's directory."""
        return str(self.directory.joinpath(self._nodes[node].name, *parts))

    def certificate(self, node: str) -> Certificate:
        """The node's certificate; issued when it is first asked for."""
        paths = Certificate(ca=self.path(node, "ca.pem"), cert=self.path(node, "cert.pem"), key=self.path(node, "key.pem"))
        with self._issuing:
            if not Path(paths.key).exists():
                issued = self._authority.issue(node, ("localhost", LOOPBACK, node))
                self._own(node, paths.ca, self._authority.path.read_bytes(), 0o644)
                self._own(node, paths.cert, issued.cert, 0o644)
                self._own(node, paths.key, issued.key, 0o600)
        return paths

    def secret(self, name: str) -> str:
        """A generated secret."""
        return self._secrets.generate(name)

    def keep(self, name: str, value: str) -> None:
        """Remember a secret that a server generated."""
        self._secrets.put(name, value)

    def recall(self, name: str) -> str | None:
        """A kept secret, or None when it was never made."""
        return self._secrets.get(name)

    def forget(self, prefix: str) -> None:
        """Let go of the secrets whose names begin so."""
        self._secrets.forget(prefix)

    def secrets(self) -> tuple[str, ...]:
        """Every secret, for the redactor."""
        return self._secrets.all()

    def program(self, name: str) -> str:
        """A program of a wheel, copied to where every account can run it."""
        own = self.directory / "bin" / name
        if not own.exists():
            _copy(find(name, Path(sysconfig.get_path("scripts")), Path(sysconfig.get_path("purelib"))), own)
        return str(own)

    @property
    def python(self) -> Python:
        """The interpreter and the checkout that run this."""
        return Python(program=sys.executable, packages=str(CHECKOUT))

    def owner(self, node: str) -> str:
        """The account that the node's processes run under, by name or number."""
        return self.account(node).name

    def account(self, node: str) -> Account:
        """The node's account."""
        return self._accounts.choose(node, self._nodes[node].user)

    def run(self, node: str, command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> str:
        """Run a command on the node as its user; TargetError with its last lines when it fails."""
        done = subprocess.run(
            [*self.account(node).enter(), *command],
            cwd=self.path(node),
            env=self.environment(node) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
            msg = f"{Path(command[0]).name} on node {node!r} ended with {done.returncode}:\n{tail}"
            raise TargetError(msg)
        return done.stdout

    def environment(self, node: str) -> dict[str, str]:
        """What the node's processes start with: nothing of the caller's environment."""
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": self.path(node),
            "TMPDIR": self.path(node, "tmp"),
            NODE_VARIABLE: f"{self.directory}/{node}",
        }

    def write(self, file: File) -> bool:
        """Write a component's file for its node; whether that changed anything."""
        path = Path(self.path(file.node, file.path))
        content = file.content.encode() if isinstance(file.content, str) else file.content
        if path.exists() and path.read_bytes() == content:
            return False
        self.make_directory(file.node, str(path.parent.relative_to(self.path(file.node))))
        self._own(file.node, str(path), content, file.mode)
        return True

    def make_directory(self, node: str, relative: str) -> None:
        """Create a directory of the node, and those above it, owned by the node's user."""
        account, path = self.account(node), Path(self.path(node))
        for part in Path(relative).parts:
            path /= part
            if not path.exists():
                path.mkdir(mode=0o700)
                _give(path, account)

    def _prepare(self, node: Node) -> None:
        directory = Path(self.path(node.name))
        directory.mkdir(mode=0o700, exist_ok=True)
        # Only what nobody has got yet: whoever attaches to look must not mend what is to be seen.
        if directory.stat().st_uid == os.geteuid():
            _give(directory, self.account(node.name))
        self.make_directory(node.name, "tmp")

    def _own(self, node: str, path: str, content: bytes, mode: int) -> None:
        part = Path(f"{path}.part")
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.chmod(mode)
        _give(part, self.account(node))
        part.replace(path)


def _give(path: Path, account: Account) -> None:
    if os.geteuid() == 0:
        os.chown(path, account.uid, account.gid)


def _copy(source: Path, own: Path) -> None:
    """A file of its own: with a link, whoever changes its mode or owner here would change every stack's and the wheel's."""
    if not os.access(source, os.X_OK):
        msg = f"{str(source)!r} is not executable; install the project again"
        raise HarnessError(msg)
    own.parent.mkdir(mode=0o755, exist_ok=True)
    part = own.with_suffix(".part")
    part.unlink(missing_ok=True)
    shutil.copy2(source, part)  # as old as it is: older than every secret, it need not be searched for one
    part.chmod(0o755)
    part.replace(own)
