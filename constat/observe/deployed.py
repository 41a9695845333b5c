"""What a provider has put on this machine, as it is now: files, and the processes that its supervisor runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat.errors import Unobservable
from constat.settings import ABSENT, fingerprint, flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.settings import Settings, Table

SUPERVISOR: Final = Path("supervisor/supervisord.pid")
_NAME: Final = "SUPERVISOR_PROCESS_NAME"


def files(run_dir: str, declared: Table) -> Table:
    """Each declared file as it is now; Unobservable when one cannot be read."""
    return {node: {name: _content(Path(run_dir) / node / name) for name in known} for node, known in declared.items()}


def as_text(content: bytes) -> str:
    """A file as it is compared: its text, or what tells it from another where it is none."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return fingerprint(content.hex())


def processes(run_dir: str) -> Table:
    """Everything that the supervisor runs, by its name: command, account, environment, and whether any of it is stopped.

    Raises Unobservable when there is no supervisor, or somebody else's processes cannot be looked at.
    """
    try:
        supervisor = psutil.Process(int((Path(run_dir) / SUPERVISOR).read_text("ascii")))
        return dict(seen for child in supervisor.children() if (seen := _process(child)) is not None)
    except (OSError, ValueError, psutil.NoSuchProcess) as problem:
        msg = f"the supervisor of {run_dir!r} cannot be asked: {problem}; `constat up` starts it"
        raise Unobservable(msg) from None
    except psutil.AccessDenied as problem:
        msg = f"processes of {run_dir!r} cannot be looked at: {problem}; run as root"
        raise Unobservable(msg) from None


def _process(process: psutil.Process) -> tuple[str, Settings] | None:
    try:
        told = process.environ()
        name = told.get(_NAME) or f"{Path(process.cwd()).name}.{process.name()}"  # some write over what they were started with
        said = {"command": shlex.join(process.cmdline()), "account": str(process.uids().real), "stopped": _stopped(process)}
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return None  # it has just ended; whoever looks for it does not find it
    own = {name: value for name, value in told.items() if not name.startswith("SUPERVISOR_")}
    return name, said | dict(flat(own, "environment"))


def _stopped(process: psutil.Process) -> str:
    """Those of the process and what it has started that are there and do not run."""
    return ", ".join(sorted(_name(one) for one in (process, *process.children(recursive=True)) if _is_stopped(one))) or "nothing"


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return bool(process.status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})
    except psutil.NoSuchProcess:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return "a process that has ended"


def _content(path: Path) -> str:
    try:
        return as_text(path.read_bytes())
    except FileNotFoundError:
        return ABSENT
    except OSError as problem:
        msg = f"{str(path)!r} cannot be read: {problem.strerror}; run as root"
        raise Unobservable(msg) from None


def by_node(entries: Iterable[tuple[str, str, bytes]]) -> Table:
    """A table of files from node, path below it, and content."""
    table: Table = {}
    for node, path, content in entries:
        table.setdefault(node, {})[path] = as_text(content)
    return table
