"""What a bundle of evidence holds, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.chain import Item, digest
from constat.errors import UserError
from constat.finding import FINDINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ENVELOPE_FILE: Final = "statement.dsse.json"
CHAIN_FILE: Final = "chain.jsonl"
RUN_FOLDER: Final = "run"
SELF_TEST_FOLDER: Final = "self-test"
FINDINGS: Final = f"{RUN_FOLDER}/{FINDINGS_FILE}"
# These two hold the others; the statement signs the chain's head, and the envelope is the signature.
NOT_LINKED: Final = frozenset({ENVELOPE_FILE, CHAIN_FILE})
REPORT_FILES: Final = ("report.html", "report.pdf")
FINDING, FILE = "finding", "file"


def items(files: Mapping[str, bytes]) -> Iterator[Item]:
    """What the chain goes through: each finding in its place, then each file by its path.

    The reports come last: they print the head of everything that they were made from.
    """
    for place, line in enumerate(finding_lines(files.get(FINDINGS, b"")), 1):
        yield Item(kind=FINDING, name=str(place), sha256=digest(line))
    for path in sorted(files, key=lambda path: (path in REPORT_FILES, path)):
        if path not in NOT_LINKED:
            yield Item(kind=FILE, name=path, sha256=digest(files[path]))


def finding_lines(content: bytes) -> list[bytes]:
    """The findings of a run, each as its bytes stand in the file."""
    return [line for line in content.split(b"\n") if line]


def read_tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory by its path; raises UserError for anything that is neither file nor directory.

    A link would let the content lie elsewhere, so it is refused like a pipe or a device.
    """
    found: dict[str, bytes] = {}
    for path in sorted(directory.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file():
            msg = f"{str(path)!r} is no plain file, expected a copy of it; replace it by what it refers to"
            raise UserError(msg)
        found[path.relative_to(directory).as_posix()] = _bytes(path)
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        msg = f"{str(path)!r} cannot be read ({problem.strerror}); give yourself the right to"
        raise UserError(msg) from None
