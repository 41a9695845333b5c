"""Ports: chosen free, remembered, and never one that another stack remembers."""

from __future__ import annotations

import json
import random
import socket
import threading
from typing import TYPE_CHECKING, Final

from constat.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

PORTS_FILE: Final = "ports.json"
LOOPBACK: Final = "127.0.0.1"
# Below the range that the kernel takes for outgoing connections, so that none is lost while a server restarts.
RANGE: Final = range(20000, 32000)


class Ports:
    """The port of each declared socket of one stack."""

    def __init__(self, directory: Path, choices: range = RANGE) -> None:
        """Read what an earlier run has chosen; others are taken from the choices."""
        self._path = directory / PORTS_FILE
        self._choices = choices
        self._lock = threading.Lock()
        self._chosen: dict[str, int] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def declare(self, keys: list[str]) -> None:
        """Choose a free port for each key that has none; the others stay."""
        with self._lock:
            taken = _remembered(self._path.parent.parent) | set(self._chosen.values())
            for key in keys:
                if key not in self._chosen:
                    self._chosen[key] = _free(taken, self._choices)
                    taken.add(self._chosen[key])
            self._path.write_text(json.dumps(self._chosen, indent=1))

    def __getitem__(self, key: str) -> int:
        """The port of a declared socket; KeyError when nobody declared it."""
        return self._chosen[key]


def is_taken(port: int) -> bool:
    """Whether something listens on the port, or it cannot be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _remembered(home: Path) -> set[int]:
    found: set[int] = set()
    for path in home.glob(f"*/{PORTS_FILE}"):
        found |= set(json.loads(path.read_text() or "{}").values())
    return found


def _free(taken: set[int], choices: range) -> int:
    candidates = [port for port in choices if port not in taken]
    random.shuffle(candidates)
    for port in candidates:
        if not is_taken(port):
            return port
    msg = f"no free port between {choices.start} and {choices.stop}; stop what listens there"
    raise UserError(msg)
