"""What a running service is made of: its code, found by how its process was started, and the paths that stand in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH: Final = re.compile(r"/[A-Za-z0-9_.{}/-]*[A-Za-z0-9_}]")
# What stands in for a value that is only known when the code runs.
PLACE: Final = "{}"


def code(run_dir: str, node: str) -> Path:
    """The folder that a node's process loads its modules from; Unobservable when it runs no module of Python's, or is not there."""
    for process in psutil.process_iter():
        if (found := _loaded_by(process, f"{run_dir}/{node}")) is not None:
            return found
    msg = f"no process of {node!r} runs a module of Python's"
    raise Unobservable(msg)


def paths(folder: Path) -> frozenset[str]:
    """Every literal in the code of a folder that may be a path, or the end of one; Unobservable when it cannot be read."""
    try:
        return frozenset(path for file in sorted(folder.rglob("*.py")) for path in literals(file.read_text("utf-8")))
    except (OSError, SyntaxError, ValueError) as problem:
        msg = f"the code in {str(folder)!r} cannot be read: {problem}"
        raise Unobservable(msg) from None


def literals(source: str) -> Iterator[str]:
    """The paths among the literals of a module; where a literal is put together, from its first slash on."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _PATH.fullmatch(node.value):
            yield node.value
        if isinstance(node, ast.JoinedStr):
            whole = "".join(str(part.value) if isinstance(part, ast.Constant) else PLACE for part in node.values)
            tail = whole.removeprefix(PLACE)
            if _PATH.fullmatch(tail):
                yield tail


def _loaded_by(process: psutil.Process, home: str) -> Path | None:
    try:
        words, environment = process.cmdline(), process.environ()
        if process.cwd() != home or "-m" not in words or not (root := environment.get("PYTHONPATH")):
            return None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    module = words[words.index("-m") + 1]
    return Path(root).joinpath(*module.split(".")[:-1])
