"""Hurt and heal nodes of the embedded stack; every fault is in the journal before it is applied."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

from constat import wait
from constat.errors import NotReady, Unobservable, UserError
from provision.embedded import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from provision.embedded.supervisor import Supervisor
    from provision.journal import Entry, Journal


class EmbeddedMachines:
    """Implements `constat.machines.Machines` and `Releases` with signals and the supervisor."""

    def __init__(self, directory: Path, nodes: tuple[str, ...], supervisor: Supervisor, journal: Journal) -> None:
        """Take the stack's directory and what runs in it."""
        self._directory = directory
        self._nodes = nodes
        self._supervisor = supervisor
        self._journal = journal

    def nodes(self) -> tuple[str, ...]:
        """Every node by name."""
        return self._nodes

    def is_alive(self, node: str) -> bool:
        """Whether any process of the node exists."""
        return bool(processes.members(self._path(node)))

    @contextlib.contextmanager
    def kill(self, node: str) -> Iterator[None]:
        """Kill every process of the node; it stays down until the block ends."""
        self._path(node)
        entry = self._journal.open("fault", "kill", node)
        try:
            self._strike(node)
            yield
        finally:
            self.heal(entry)

    @contextlib.contextmanager
    def freeze(self, node: str) -> Iterator[None]:
        """Stop every process of the node without their notice until the block ends."""
        self._path(node)
        entry = self._journal.open("fault", "freeze", node)
        try:
            wait.until(lambda: self._still(node), what=f"node {node!r} is frozen", within=5, every=0.02)
            yield
        finally:
            self.heal(entry)

    def release(self, node: str) -> str:
        """The directory that the node's code is loaded from."""
        self._path(node)
        found = [directory for name in self._programs(node) if (directory := self._supervisor.release(name))]
        if not found:
            msg = f"node {node!r} runs no code of the platform's own, so there is no other release of it"
            raise Unobservable(msg)
        return found[0]

    def deploy(self, node: str, directory: str) -> None:
        """Run the node from that directory; what is to be undone is for the caller to journal."""
        self.release(node)
        for name in self._programs(node):
            self._supervisor.deploy(name, directory)

    def heal(self, entry: Entry) -> None:
        """Undo a fault of the journal, and close it when the node is seen to live again."""
        node = entry.subject
        processes.send(processes.members(self._path(node)), signal.SIGCONT)
        for name in self._programs(node):
            self._supervisor.begin(name)
        wait.until(lambda: self._living(node), what=f"node {node!r} is back", within=20)
        self._journal.close(entry)

    def _strike(self, node: str) -> None:
        # Frozen first: a supervisor must not see a death that it would repair, nor a
        # server get the chance to shut down in order.
        processes.send(processes.members(self._path(node)), signal.SIGSTOP)
        for name in self._programs(node):
            self._supervisor.rest(name)
        processes.kill(self._path(node))

    def _still(self, node: str) -> None:
        running = [p for p in processes.members(self._path(node)) if not processes.is_stopped(p)]
        processes.send(running, signal.SIGSTOP)
        if running:
            msg = f"{len(running)} processes were still running"
            raise NotReady(msg)

    def _living(self, node: str) -> None:
        states = self._supervisor.states()
        down = [name for name in self._programs(node) if states[name]["statename"] not in {"RUNNING", "STARTING"}]
        for name in down:
            self._supervisor.begin(name)
        if down or any(map(processes.is_stopped, processes.members(self._path(node)))):
            msg = f"not running: {down}"
            raise NotReady(msg)

    def _programs(self, node: str) -> list[str]:
        return [name for name in self._supervisor.states() if name.startswith(f"{node}.")]

    def _path(self, node: str) -> Path:
        if node not in self._nodes:
            msg = f"node {node!r} is unknown (known: {', '.join(self._nodes)})"
            raise UserError(msg)
        return self._directory / node
