"""What a component is to any provider: its nodes, its plan, its readiness, its configuration.

A component module exposes one instance named `COMPONENT`.  Its four verbs:

nodes(target)     pure: the groups of processes it consists of and what they listen on
plan(site)        pure: files and processes, from addresses and secrets of the site
ready(site)       asks once, by the component's own protocol; raises while it is not ready
configure(site)   idempotent: what is set up over the protocol once it answers
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Target


@dataclass(frozen=True, kw_only=True)
class Socket:
    """A port that a node listens on; the declared table of ports is made of these."""

    name: str
    tls: bool
    protocol: str
    # On the node's loopback, whatever the others are bound to: only the node itself reaches it.
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class Node:
    """A group of processes that lives and dies together, with one user and one directory.

    `user` is a system account of a Debian package; empty means an account of its own
    that the provider chooses.  `durable` says that its directory holds what must outlive
    the machine that it runs on.  `behind` are nodes that pass TLS on to it unopened: it
    answers under their names, so its certificate is good for them too.
    """

    name: str
    user: str = ""
    sockets: tuple[Socket, ...] = ()
    durable: bool = False
    behind: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Process:
    """A foreground process on a node; the provider restarts it when it dies."""

    name: str
    node: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    # It gives up root itself, for CONSTAT_UID and CONSTAT_GID, once it has loaded its code:
    # the interpreter may be where the node's user cannot read.
    drops_privileges: bool = False


@dataclass(frozen=True, kw_only=True)
class File:
    """A file below its node's directory, owned by the node's user."""

    node: str
    path: str
    content: str | bytes
    mode: int = 0o600


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that must exist before the processes start."""

    files: tuple[File, ...] = ()
    processes: tuple[Process, ...] = ()
    directories: tuple[tuple[str, str], ...] = ()  # (node, relative path), mode 0700


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that must be on the machine, and the Debian package that brings it."""

    path: str
    package: str


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a socket answers."""

    host: str
    port: int

    def __str__(self) -> str:
        """As `host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Paths of a node's TLS material, readable by the node's user."""

    ca: str
    cert: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Python:
    """An interpreter, and the directory from which it imports the project."""

    program: str
    packages: str


class Site(Protocol):
    """Where a platform is being put: addresses, secrets and paths, the same for every provider.

    There are two views of it: the harness's, by which it asks, configures and attacks, and
    that of the nodes, `inside`, which stands in what is written for them.  `plan` is given
    the second; where both are on one machine they are the same.
    """

    @property
    def name(self) -> str:
        """The stack's name."""

    @property
    def target(self) -> Target:
        """What is promised."""

    @property
    def inside(self) -> Site:
        """The same site as its nodes see it: for their files, and for what is run on them."""

    @property
    def ca_path(self) -> str:
        """The stack's own certificate authority, as the harness reads it."""

    def address(self, node: str, socket: str) -> Address:
        """Where a declared socket is reached; KeyError when nobody declared it."""

    def bind(self, node: str) -> str:
        """The address that the node's servers bind to."""

    def path(self, node: str, *parts: str) -> str:
        """A path below the node's directory; the harness sees a copy of what was planned where it is elsewhere."""

    def certificate(self, node: str) -> Certificate:
        """The node's certificate, issued by the stack's CA (SANs: its host, localhost, its name)."""

    def secret(self, name: str) -> str:
        """A generated secret, always the same for this stack: `cache/admin`."""

    def keep(self, name: str, value: str) -> None:
        """Remember a secret that a server generated."""

    def recall(self, name: str) -> str | None:
        """A secret that a server generated, or None when it has not yet."""

    def program(self, name: str) -> str:
        """The path of a program that came with a Python wheel (`weed`, `bao`, `traefik`, `dbmate`)."""

    @property
    def python(self) -> Python:
        """The interpreter that has the project's libraries, and where the project's own packages are."""

    def owner(self, node: str) -> str:
        """The account that the node's processes run under."""

    def run(self, node: str, command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> str:
        """Run a command on the node as its user; its output, or TargetError with its last lines."""


class Component(Protocol):
    """One part of the platform; see the module's docstring."""

    @property
    def name(self) -> str:
        """Unique, as `constat status` shows it."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Components that must be configured before this one is planned and started."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Programs that must be on the machine."""

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """Name the component's nodes and what they listen on."""

    def plan(self, site: Site) -> Plan:
        """Say which files and processes it consists of."""

    def ready(self, site: Site) -> None:
        """Ask once whether it answers; raises NotReady (or a network error) while it does not."""

    def configure(self, site: Site) -> None:
        """Set up what needs a running server; may be called again at any time."""


@runtime_checkable
class Onboards(Protocol):
    """A component in which a tenant has an identity."""

    def onboard(self, site: Site, tenant: str) -> None:
        """Create the tenant's identity; idempotent."""

    def offboard(self, site: Site, tenant: str) -> None:
        """Remove the identity and everything that belongs to the tenant; idempotent."""


@runtime_checkable
class Guards(Protocol):
    """A component that keeps secrets or data at paths which nobody else may read."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """(node, path below the node, highest mode) of what must stay private."""
