"""The secrets of a stack: generated once, kept in one file that only its owner reads."""

from __future__ import annotations

import json
import os
import secrets
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Replace a file at once, with mode 0600 from its first byte."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


class SecretFile:
    """Name → value; safe for threads, durable before a value is handed out."""

    def __init__(self, path: Path) -> None:
        """Read what an earlier run has kept."""
        self._path = path
        self._lock = threading.Lock()
        self._values: dict[str, str] = json.loads(path.read_bytes()) if path.exists() else {}

    def get(self, name: str) -> str | None:
        """The value, or None when there is none yet."""
        return self._values.get(name)

    def generate(self, name: str) -> str:
        """The value, made of 24 random bytes when there is none yet."""
        with self._lock:
            if name not in self._values:
                self._values[name] = secrets.token_urlsafe(24)
                self._save()
            return self._values[name]

    def put(self, name: str, value: str) -> None:
        """Keep a value that a server has made."""
        with self._lock:
            if self._values.get(name) != value:
                self._values[name] = value
                self._save()

    def forget(self, prefix: str) -> None:
        """Let go of every value whose name begins so."""
        with self._lock:
            self._values = {name: value for name, value in self._values.items() if not name.startswith(prefix)}
            self._save()

    def all(self) -> tuple[str, ...]:
        """Every value."""
        return tuple(self._values.values())

    def _save(self) -> None:
        write_private(self._path, json.dumps(self._values, indent=1).encode())
