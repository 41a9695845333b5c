"""What a foreign account can do below a directory, by every name that there is, whether or not it can list them."""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe.host import STRANGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

_CAPABILITIES: Final = "security.capability"
_SET_ID: Final = stat.S_ISUID | stat.S_ISGID


@dataclass(frozen=True, kw_only=True, order=True)
class Reach:
    """A path that a foreign account gets at; `kind` is find's letter: f, d, s for a socket, p for a pipe."""

    path: str
    kind: str
    mode: int
    readable: bool
    writable: bool


@dataclass(frozen=True, kw_only=True, order=True)
class Lift:
    """A program that gives whoever runs it more rights than they have."""

    path: str
    by: str


def as_stranger(command: str) -> str:
    """The command, run by an account that owns nothing."""
    return f"setpriv --reuid={STRANGER} --regid={STRANGER} --clear-groups -- {command}"


def reached(host: Host, directory: str) -> tuple[Reach, ...]:
    """Everything below the directory, and the directories above it, that a foreign account can read or change.

    Root says the names and the account tries each, so that a directory which can be
    entered but not listed hides nothing.  Raises Unobservable when the account cannot be taken.
    """
    above = " ".join(shlex.quote(str(parent)) for parent in Path(directory).parents)
    seen = r"\( -readable -printf 'r %y %m %p\0' \) , \( -writable -printf 'w %y %m %p\0' \)"
    tried = as_stranger(f"find -files0-from - -maxdepth 0 {seen}")
    answer = host.run(f"{{ printf '%s\\0' {above}; find {shlex.quote(directory)} ! -type l -print0; }} | {tried}")
    if "setpriv" in answer.stderr:
        msg = f"cannot act as a foreign account: {answer.stderr.strip()}; run as root"
        raise Unobservable(msg)
    return gathered(answer.stdout)


def gathered(printed: str) -> tuple[Reach, ...]:
    """One for each path of what was printed, once for reading and once for writing."""
    found: dict[str, Reach] = {}
    for line in filter(None, printed.split("\0")):
        right, kind, mode, path = line.split(" ", 3)
        before = found.get(path)
        found[path] = Reach(
            path=path,
            kind=kind,
            mode=int(mode, 8),
            readable=right == "r" or bool(before and before.readable),
            writable=right == "w" or bool(before and before.writable),
        )
    return tuple(sorted(found.values()))


def lifts(host: Host, directory: str) -> tuple[Lift, ...]:
    """Every program below the directory that takes its owner's rights, or has capabilities of its own.

    Raises Unobservable when the directory cannot be gone through.
    """
    answer = host.run(f"find {shlex.quote(directory)} -type f -perm /6111 -print0")
    if not answer.stdout and answer.rc != 0:
        msg = f"{directory!r} cannot be gone through: {answer.stderr.strip()}"
        raise Unobservable(msg)
    return tuple(sorted(lift for path in filter(None, answer.stdout.split("\0")) for lift in _lift(path)))


def owner_only(directory: str, *, at_most: int) -> Iterator[Path]:
    """Files right below the directory that nobody but their owner can open, up to that many bytes."""
    for path in sorted(Path(directory).iterdir()):
        seen = path.lstat()
        if stat.S_ISREG(seen.st_mode) and not seen.st_mode & 0o077 and seen.st_size <= at_most:
            yield path


def _lift(path: str) -> Iterator[Lift]:
    try:
        mode = os.lstat(path).st_mode
        if mode & _SET_ID:
            yield Lift(path=path, by=f"mode {stat.S_IMODE(mode):04o}")
        if _CAPABILITIES in os.listxattr(path):
            yield Lift(path=path, by="file capabilities")
    except FileNotFoundError:
        return  # it was removed meanwhile
