"""Files that more people can read than should."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State

if TYPE_CHECKING:
    from constat.stack import GuardedPath, Stack

# What is loosened: a key for the group, and a whole data directory for everybody.
_KEY_MODE: Final = 0o640
_OPEN: Final = 0o755


def _key(stack: Stack) -> Path:
    return Path(_first(stack, "key.pem").path)


def _data(stack: Stack) -> Path:
    """A directory that a server keeps its data in, and that it does not check itself."""
    return Path(next(guard.path for guard in stack.guarded if Path(guard.path).is_dir() and "postgres" not in guard.path))


def _first(stack: Stack, name: str) -> GuardedPath:
    found = [guard for guard in stack.guarded if guard.path.endswith(f"/{name}")]
    if not found:
        msg = f"no guarded path named {name!r}"
        raise Unobservable(msg)
    return found[0]


def _modes(paths: list[Path]) -> dict[str, int]:
    return {str(path): stat.S_IMODE(path.stat().st_mode) for path in paths}


def _restore(stack: Stack, state: State) -> None:
    del stack  # the journal knows the paths
    for path, mode in state["modes"].items():
        Path(path).chmod(mode)


def _loosen_key(stack: Stack, state: State) -> None:
    del state  # the mode is fixed
    _key(stack).chmod(_KEY_MODE)


def _opened(stack: Stack) -> list[Path]:
    """The directory and those above it, up to the stack's own."""
    data = _data(stack)
    return [data, *(parent for parent in data.parents if parent.is_relative_to(stack.run_dir) and parent != Path(stack.run_dir))]


def _open_data(stack: Stack, state: State) -> None:
    for path in state["modes"]:
        target = Path(path)
        target.chmod(_OPEN if target.is_dir() else 0o644)
    del stack  # the journal knows the paths


def _everything_below(stack: Stack) -> list[Path]:
    data = _data(stack)
    return [
        *_opened(stack),
        *(path for path in sorted(data.rglob("*"))[:20] if not path.is_symlink() and (path.is_dir() or path.is_file())),
    ]


MUTANTS: Final = (
    Mutant(
        id="MUT-HOS-02",
        title="a private key was made readable for the group",
        scope=Scope.COMPONENT,
        controls=("HOS-02",),
        prepare=lambda stack: {"modes": _modes([_key(stack)])},
        plant=_loosen_key,
        confirm=lambda stack, _state: stat.S_IMODE(_key(stack).stat().st_mode) == _KEY_MODE,
        revert=_restore,
        fingerprint=lambda stack: str(_modes([_key(stack)])),
    ),
    Mutant(
        id="MUT-HOS-03",
        title="a data directory was opened to everybody to look into a problem, and stayed open",
        scope=Scope.COMPONENT,
        controls=("HOS-03", "HOS-02"),
        prepare=lambda stack: {"modes": _modes(_everything_below(stack))},
        plant=_open_data,
        confirm=lambda stack, _state: stat.S_IMODE(_data(stack).stat().st_mode) == _OPEN,
        revert=_restore,
        fingerprint=lambda stack: str(_modes(_opened(stack))),
    ),
)
