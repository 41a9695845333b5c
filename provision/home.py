"""Where stacks live on this machine, and who may work on one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.clock import utc_now
from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL_FILE: Final = "constat.json"
TARGET_COPY: Final = "target.toml"  # what the stack was brought up from, as it was then
ENVIRONMENT_VARIABLE: Final = "CONSTAT_HOME"
DEFAULT_NAME: Final = "constat"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")


def home() -> Path:
    """The directory of all stacks: CONSTAT_HOME, else one that service users can traverse."""
    if chosen := os.environ.get(ENVIRONMENT_VARIABLE):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/constat")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "constat"


def checked_name(name: str) -> str:
    """Return a stack's name; UserError unless it is one."""
    if not _NAME.fullmatch(name):
        msg = f"stack name {name!r} is not usable; expected lower-case letters, digits and dashes, at most 31, first a letter"
        raise UserError(msg)
    return name


def stack_directory(name: str) -> Path:
    """Where the stack of that name lives, whether it exists or not."""
    return home() / checked_name(name)


@dataclass(frozen=True)
class Label:
    """What marks a run directory as made by this project."""

    id: str
    name: str
    provider: str
    created: str
    target_file: str


def read_label(directory: Path) -> Label | None:
    """The directory's label, or None when nobody of ours made it; UserError when it is damaged."""
    try:
        return Label(**json.loads((directory / LABEL_FILE).read_text("utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as problem:
        msg = (
            f"{str(directory / LABEL_FILE)!r} is damaged ({problem}), so what runs there is not known any more; "
            f"`constat down --name {directory.name}` ends it and removes it"
        )
        raise UserError(msg) from None


def is_damaged(directory: Path) -> bool:
    """Whether there is a label that nobody can read."""
    try:
        read_label(directory)
    except UserError:
        return True
    return False


def mend_label(directory: Path, provider: str) -> None:
    """Write a damaged label anew, so that what it marks can be taken down."""
    _write(directory, Label(id=uuid.uuid4().hex, name=directory.name, provider=provider, created=utc_now(), target_file=""))


def write_label(directory: Path, *, provider: str, target_file: str) -> Label:
    """Create the directory with its label; UserError when something foreign is there."""
    if directory.exists() and read_label(directory) is None and any(directory.iterdir()):
        msg = f"{str(directory)!r} exists and was not made by constat; choose another --name or CONSTAT_HOME"
        raise UserError(msg)
    directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.mkdir(mode=0o755, exist_ok=True)
    label = Label(id=uuid.uuid4().hex, name=directory.name, provider=provider, created=utc_now(), target_file=target_file)
    _write(directory, label)
    return label


def _write(directory: Path, label: Label) -> None:
    part = directory / f"{LABEL_FILE}.part"
    part.write_text(json.dumps(label.__dict__, indent=1), "utf-8")
    part.replace(directory / LABEL_FILE)


def stacks() -> dict[str, Label]:
    """Every stack on this machine by name."""
    if not home().is_dir():
        return {}
    found: dict[str, Label] = {}
    for path in sorted(home().iterdir()):
        with contextlib.suppress(UserError):  # a damaged one is said when it is asked for
            if path.is_dir() and (label := read_label(path)):
                found[path.name] = label
    return found


@contextlib.contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Hold the stack for one command; UserError that names the holder when it is taken."""
    directory = stack_directory(name).parent
    try:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as problem:
        msg = f"{str(directory)!r} cannot be made ({problem.strerror}); set {ENVIRONMENT_VARIABLE} to a directory of yours"
        raise UserError(msg) from None
    lock = directory / f".{name}.lock"
    descriptor = _hold(lock, name)
    try:
        yield
    finally:
        if not stack_directory(name).exists():  # nothing is left to protect
            lock.unlink(missing_ok=True)
        os.close(descriptor)


def _hold(lock: Path, name: str) -> int:
    """Open and take the lock; what its last holder has removed meanwhile is no lock any more."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _take(descriptor, name)
        except UserError:
            os.close(descriptor)
            raise
        if lock.exists() and os.path.samestat(os.fstat(descriptor), lock.stat()):
            return descriptor
        os.close(descriptor)


def _take(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 400, 0).decode(errors="replace") or "another command"
        msg = f"stack {name!r} is in use by {holder}; wait for it, or use another --name"
        raise UserError(msg) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} (constat {' '.join(sys.argv[1:2])})".encode(), 0)
