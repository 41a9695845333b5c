"""Settings: what a server says that it runs with, as names and values, and how two tables of them differ."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from constat.errors import Unobservable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Name → value of one server, and server → its settings; what is not said at all has no entry.
Settings: TypeAlias = dict[str, str]
Table: TypeAlias = dict[str, Settings]

ABSENT: Final = "(nothing)"
# A value of this kind is compared, and never shown.
_PRIVATE: Final = re.compile(r"(?i)(password|secret|passwd|token$|hash$|access_?key|masterauth|requirepass|verifier)")
_LONGEST: Final = 12


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a JSON value by its dotted name; lists of plain values stay whole, private values become fingerprints."""
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            yield from flat(value[key], f"{name}.{key}" if name else str(key))
    elif _PRIVATE.search(name) and value and isinstance(value, str | list):
        yield name, fingerprint(text(value))
    else:
        yield name, text(value)


def text(value: Any) -> str:
    """A value as it is compared and shown: strings as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def fingerprint(value: str) -> str:
    """What tells one value from another without showing it."""
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:12]}"


def load(path: str, part: str) -> Table:
    """Read one part of the declared tables: `servers`, `files` or `processes`; Unobservable when the file has no such part."""
    try:
        found = json.loads(Path(path).read_text("utf-8"))[part]
        return {str(subject): {str(name): str(value) for name, value in said.items()} for subject, said in found.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        msg = f"the declared {part} in {path!r} cannot be read: {problem}; `constat down` and `constat up` make it again"
        raise Unobservable(msg) from None


def differences(declared: Mapping[str, str], observed: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, declared and observed value of each that is not the same; of a value of many lines only the lines that differ."""
    for name in sorted(declared.keys() | observed.keys()):
        before, now = declared.get(name, ABSENT), observed.get(name, ABSENT)
        if before != now:
            yield (name, *_lines(before, now)) if "\n" in before and "\n" in now else (name, before, now)


def _lines(before: str, now: str) -> tuple[str, str]:
    changed = [line for line in difflib.ndiff(before.splitlines(), now.splitlines()) if line[:1] in "+-"]
    taken, put = ([line[2:] for line in changed if line[:1] == sign][:_LONGEST] for sign in "-+")
    return "\n".join(taken) or ABSENT, "\n".join(put) or ABSENT
