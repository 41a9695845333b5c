"""The optional ability to hurt and heal the nodes of a disposable stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


@runtime_checkable
class Machines(Protocol):
    """Faults on nodes; each is a context manager, and leaving it heals."""

    def nodes(self) -> tuple[str, ...]:
        """Every node by name."""

    def is_alive(self, node: str) -> bool:
        """Whether a process of the node is running, by the operating system's own word."""

    def kill(self, node: str) -> AbstractContextManager[None]:
        """Every process of the node gone at once, and down until the fault lets go."""

    def freeze(self, node: str) -> AbstractContextManager[None]:
        """Every process of the node stopped without noticing, until the fault lets go."""


@runtime_checkable
class Releases(Protocol):
    """The optional ability to run a node from another release of its code, as a deployment would."""

    def release(self, node: str) -> str:
        """The directory that the node's code is loaded from; Unobservable when the node runs none of the platform's own."""

    def deploy(self, node: str, directory: str) -> None:
        """Run the node from that directory from now on; when it returns, the process of before is gone."""
