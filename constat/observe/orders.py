"""What the backup tool is told wherever the platform calls it: in its file, in the environment, on the command line."""

from __future__ import annotations

import configparser
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from constat.observe.replication import Archiving
    from constat.stack import Backups, PostgresNode

_PREFIX: Final = "PGBACKREST_"
_WORD: Final = re.compile(r"--(?P<no>no-)?(?P<name>[a-z0-9-]+)(?:=(?P<value>.*))?")
_LOCKS: Final = "/tmp/pgbackrest"  # noqa: S108 - the tool's own default


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What one caller tells the tool; `forbidden` are the files by which it is told to do nothing (`pgbackrest stop`)."""

    who: str
    stanza: str
    options: Mapping[str, str]
    forbidden: tuple[str, ...] = ()


def scheduled(backups: Backups, *, is_local: bool) -> Orders:
    """What backups are made and expired with; the scheduler's environment where its processes are on this machine."""
    words = {"config": backups.config, "stanza": backups.stanza}
    said = _of_processes(_with_word(backups.config)) if is_local else {}
    return _orders("the scheduler", ("backup", "expire"), environment=said, words=words)


def archiving(seen: Archiving, node: PostgresNode, *, is_local: bool) -> Orders:
    """What a server archives with; its environment where its processes are on this machine."""
    said = _of_processes(_server(node)) if is_local else {}
    return _orders(f"the archive command of {seen.node}", ("archive-push",), environment=said, words=parsed(seen.command))


def parsed(command: str) -> dict[str, str]:
    """The options on a command line; a pure function.  Unobservable where it is no line that can be split."""
    try:
        words = shlex.split(command)
    except ValueError as problem:
        msg = f"the command {command!r} cannot be split into words: {problem}"
        raise Unobservable(msg) from None
    found = [match for word in words if (match := _WORD.fullmatch(word))]
    return {match["name"]: "n" if match["no"] else match["value"] or "y" for match in found}


def read(path: str, stanza: str, commands: Iterable[str]) -> dict[str, str]:
    """What a file says for these commands, the most particular section last; Unobservable when it cannot be read."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=False)
    try:
        parser.read_string(Path(path).read_text("utf-8"))
    except (OSError, configparser.Error) as problem:
        msg = f"the backup tool's configuration {path!r} cannot be read: {problem}"
        raise Unobservable(msg) from None
    sections = [f"{part}{command}" for part in ("global", stanza) for command in ("", *(f":{command}" for command in commands))]
    return {name: value for section in sections if parser.has_section(section) for name, value in parser.items(section)}


def _orders(who: str, commands: tuple[str, ...], *, environment: Mapping[str, str], words: Mapping[str, str]) -> Orders:
    """Put together what a caller says: a word on its command line counts more than its environment, and that more than the file."""
    said = {**environment, **words}
    if "config" not in said or "stanza" not in said:
        return Orders(who=who, stanza=said.get("stanza", ""), options=said)
    options = {**read(said["config"], said["stanza"], commands), **said}
    locks = Path(options.get("lock-path", _LOCKS))
    stops = [locks / f"{name}.stop" for name in ("all", said["stanza"])]
    return Orders(who=who, stanza=said["stanza"], options=options, forbidden=tuple(str(path) for path in stops if path.exists()))


def _of_processes(processes: Iterable[psutil.Process]) -> dict[str, str]:
    found: dict[str, str] = {}
    for process in processes:
        try:
            found |= process.environ()
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:
            msg = f"the environment of process {process.pid} cannot be read; run as root or as the platform's own user"
            raise Unobservable(msg) from None
    return {name.removeprefix(_PREFIX).lower().replace("_", "-"): value for name, value in found.items() if name.startswith(_PREFIX)}


def _with_word(word: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if word in (process.info["cmdline"] or ())]


def _server(node: PostgresNode) -> list[psutil.Process]:
    path = Path(node.data_directory) / "postmaster.pid"
    try:
        return [psutil.Process(int(path.read_text("ascii").split("\n")[0]))]
    except (OSError, ValueError, psutil.NoSuchProcess) as problem:
        msg = f"nobody knows the process of server {node.name!r}: {problem}"
        raise Unobservable(msg) from None
