"""Which account a node's processes run under."""

from __future__ import annotations

import json
import os
import pwd
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS_FILE: Final = "accounts.json"
# The range that systemd keeps for dynamic users: nothing else on the machine has these ids.
DYNAMIC: Final = range(61184, 65520)


@dataclass(frozen=True)
class Account:
    """A user and group id, and how people name them."""

    uid: int
    gid: int
    name: str

    def enter(self) -> tuple[str, ...]:
        """The command prefix that gives up root for this account, for good."""
        if os.geteuid() != 0:
            return ()
        groups = "--clear-groups" if self.name == str(self.uid) else "--init-groups"
        return (
            "/usr/bin/setpriv",
            f"--reuid={self.name}",
            f"--regid={self.gid}",
            groups,
            "--no-new-privs",
            "--inh-caps=-all",
            "--bounding-set=-all",
            "--",
        )


class Accounts:
    """Accounts by node; one of its own for a node whose package brings none."""

    def __init__(self, directory: Path) -> None:
        """Read what an earlier run has chosen."""
        self._path = directory / ACCOUNTS_FILE
        self._dynamic: dict[str, int] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def choose(self, node: str, user: str) -> Account:
        """Return the node's account; without root everything runs as the caller."""
        if os.geteuid() != 0:
            own = pwd.getpwuid(os.geteuid())
            return Account(own.pw_uid, own.pw_gid, own.pw_name)
        if user:
            entry = pwd.getpwnam(user)
            return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
        if node not in self._dynamic:
            self._dynamic[node] = self._free()
            self._path.write_text(json.dumps(self._dynamic, indent=1))
        uid = self._dynamic[node]
        return Account(uid, uid, str(uid))

    def _free(self) -> int:
        """An account that no other stack remembers and under which nothing runs: a stack may have another home.

        Drawn, not counted, so that two that begin at once do not choose the same.
        """
        running = {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
        taken = self._all() | running
        return random.choice([uid for uid in DYNAMIC if uid not in taken])  # noqa: S311 - not a secret

    def _all(self) -> set[int]:
        found = set(self._dynamic.values())
        for path in self._path.parent.parent.glob(f"*/{ACCOUNTS_FILE}"):
            found |= set(json.loads(path.read_text() or "{}").values())
        return found
