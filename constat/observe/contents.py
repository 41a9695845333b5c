"""Words in files, whatever they are packed in: text, programs, memory dumps, archives, what processes were told."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe import packed

if TYPE_CHECKING:
    from collections.abc import Sequence

# With a body: programs have the bare markers in them.
PRIVATE_KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40}")
_LARGEST: Final = 256 * 2**20
_LARGEST_TEXT: Final = 8 * 2**20
_START: Final = 4096
# A pattern of grep's ends with the line; so much of a word that has such a byte in it still tells it from others.
_ENDS: Final = re.compile(rb"[\n\0]")
_TELLING: Final = 12


def holding(paths: Sequence[str], words: frozenset[bytes]) -> frozenset[str]:
    """Those of the files whose raw bytes hold one of the words; raises Unobservable when they cannot be searched."""
    return _searched(("grep",), paths, words)


def told(words: frozenset[bytes], account: int) -> frozenset[str]:
    """Arguments and environments of processes, as that account may read them, which hold one of the words; as paths."""
    paths = [f"{process}/{part}" for process in Path("/proc").glob("[0-9]*") for part in ("cmdline", "environ")]
    lowered = ("setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "--", "grep")
    return _searched(lowered, paths, words)


def opened(path: str, words: frozenset[bytes]) -> bool:
    """Whether a private key is in the file, or one of the words in what it packs.

    What is not packed is searched for words by `holding`, and beyond `_LARGEST_TEXT` bytes by nothing else.
    Raises Unobservable when the file is packed in a way that nobody here opens.
    """
    file = Path(path)
    try:
        with file.open("rb") as start:
            is_packed = packed.members(start.read(_START)) is not None
        if file.stat().st_size > (_LARGEST if is_packed else _LARGEST_TEXT):
            return _too_large(path) if is_packed else False
        data = file.read_bytes()
        if not is_packed:
            return PRIVATE_KEY.search(data) is not None
        return any(PRIVATE_KEY.search(part) or any(word in part for word in words) for part in packed.parts(data))
    except FileNotFoundError:
        return False  # it was removed meanwhile
    except packed.DAMAGED as problem:
        msg = f"{path!r} cannot be opened: {problem}"
        raise Unobservable(msg) from None


def lines(words: frozenset[bytes]) -> frozenset[bytes]:
    """The words as patterns of grep's: of one that a pattern cannot hold, its longest part, unless that tells nothing."""
    longest = (max(_ENDS.split(word), key=len) if b"\n" in word else word for word in words)
    return frozenset(word for word in longest if len(word) >= _TELLING or word in words)


def _too_large(path: str) -> bool:
    msg = f"{path!r} is packed and larger than {_LARGEST} bytes"
    raise Unobservable(msg)


def _searched(program: tuple[str, ...], paths: Sequence[str], words: frozenset[bytes]) -> frozenset[str]:
    if not paths:
        return frozenset()
    done = subprocess.run(
        [*program, "-aFlZs", "-f", "-", "--", *paths],
        input=b"\n".join(filter(None, lines(words))),
        capture_output=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    if done.stderr:
        msg = f"{len(paths)} files cannot be searched: {done.stderr.decode(errors='replace').strip()}"
        raise Unobservable(msg)
    return frozenset(path.decode() for path in done.stdout.split(b"\0") if path)
