"""What a foreign account can do below a directory, by every name that there is, whether or not it can list them."""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe.host import STRANGER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from testinfra.host import Host

_CAPABILITIES: Final = "security.capability"
_SET_ID: Final = stat.S_ISUID | stat.S_ISGID
_LARGEST_COPY: Final = "32768"  # blocks of 512 bytes


@dataclass(frozen=True)
class Account:
    """Somebody on the host: the number of the account, and of every group that it is in, its own first."""

    uid: int
    groups: tuple[int, ...]

    @property
    def enter(self) -> str:
        """What stands before a command for this account to run it."""
        further = f"--groups={','.join(map(str, self.groups))}"
        return f"setpriv --reuid={self.uid} --regid={self.groups[0]} {further} --"


@dataclass(frozen=True, kw_only=True, order=True)
class Reach:
    """A path that an account gets at; `kind` is find's letter: f, d, s for a socket, p for a pipe."""

    path: str
    kind: str
    mode: int
    readable: bool
    writable: bool
    owner: int = 0


@dataclass(frozen=True, kw_only=True, order=True)
class Lift:
    """A program that gives whoever runs it more rights than they have."""

    path: str
    by: str


FOREIGN: Final = Account(STRANGER, (STRANGER,))
_MARK: Final = "account "
# Right, kind, mode, owner, path; once for reading and once for writing.
_SEEN: Final = r"\( -readable -printf 'r %y %m %U %p\0' \) , \( -writable -printf 'w %y %m %U %p\0' \)"


def accounts(owners: Iterable[str]) -> tuple[Account, ...]:
    """The accounts of these names or numbers, root and whoever does not exist left out, with the groups that the host has them in."""
    return tuple(account for owner in sorted(set(owners)) if (account := _account(owner)) is not None and account.uid)


def _account(owner: str) -> Account | None:
    if owner.isdigit():
        return Account(int(owner), (int(owner),))  # one without a name is in no group but its own
    try:
        known = pwd.getpwnam(owner)
    except KeyError:
        return None
    others = (group for group in os.getgrouplist(owner, known.pw_gid) if group != known.pw_gid)
    return Account(known.pw_uid, (known.pw_gid, *sorted(others)))


def below(directory: str) -> str:
    """A command that names the directories above a directory, and everything in it but links."""
    above = " ".join(shlex.quote(str(parent)) for parent in Path(directory).parents)
    return f"printf '%s\\0' {above}; find {shlex.quote(directory)} ! -type l -print0"


def recent(places: Iterable[str], *, since: str, beside: str) -> str:
    """A command that names files up to 16 MB in these places that are newer than a file, apart from one directory.

    What nobody but its owner enters is not gone into.
    """
    roots = " ".join(shlex.quote(place) for place in places if Path(place).is_dir())
    closed = f"\\( -path {shlex.quote(beside)} -o -type d ! -perm /0011 \\) -prune"
    return f"find {roots} -xdev {closed} -o -type f -newer {shlex.quote(since)} -size -{_LARGEST_COPY} -print0 2>/dev/null"


def reached(host: Host, names: str, known: tuple[Account, ...]) -> dict[Account, tuple[Reach, ...]]:
    """Everything that `names`, a command, names and that each account can read or change.

    Root says the names and the accounts try each, so that a directory which can be
    entered but not listed hides nothing.  Raises Unobservable when an account cannot be taken.
    """
    tries = "; ".join(f"printf '{_MARK}%s\\0' {a.uid}; {a.enter} find -files0-from - -maxdepth 0 {_SEEN} < \"$names\"" for a in known)
    answer = host.run(f'names=$(mktemp) && trap \'rm -f "$names"\' EXIT && {{ {names}; }} > "$names"; {tries}')
    if "setpriv" in answer.stderr or "mktemp" in answer.stderr:
        msg = f"cannot act as a foreign account: {answer.stderr.strip()}; run as root"
        raise Unobservable(msg)
    seen = by_account(answer.stdout)
    return {account: seen.get(account.uid, ()) for account in known}


def by_account(printed: str) -> dict[int, tuple[Reach, ...]]:
    """What each account printed, by its number."""
    found: dict[int, dict[str, Reach]] = {}
    said: dict[str, Reach] = {}
    for line in filter(None, printed.split("\0")):
        if line.startswith(_MARK):
            said = found.setdefault(int(line.removeprefix(_MARK)), {})
        else:
            _add(said, line)
    return {uid: tuple(sorted(reach.values())) for uid, reach in found.items()}


def _add(found: dict[str, Reach], line: str) -> None:
    right, kind, mode, owner, path = line.split(" ", 4)
    before = found.get(path)
    found[path] = Reach(
        path=path,
        kind=kind,
        mode=int(mode, 8),
        owner=int(owner),
        readable=right == "r" or bool(before and before.readable),
        writable=right == "w" or bool(before and before.writable),
    )


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
