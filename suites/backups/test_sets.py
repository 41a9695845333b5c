"""The base backups: every file of every one that is kept, from the objects' own bytes."""

from __future__ import annotations

import concurrent.futures
import random
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import HarnessError, Unobservable
from constat.judgement import Judgement, coverage
from constat.observe import sets, storage
from constat.observe.archive import Absent, Repository, Undecipherable
from constat.outcome import Impact, Outcome, Severity
from suites.backups import completeness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constat.judgement import Findings
    from constat.observe.archive import Backup
    from constat.observe.sets import Manifest, Piece
    from constat.stack import Postgres, Stack

_READERS: Final = 2
# As many bytes of files as are read in one run; of more, a sample is.
BUDGET: Final = 512 << 20


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A base backup, and what it consists of; `wrong` where that cannot be read."""

    backup: Backup
    manifest: Manifest | None = None
    wrong: str = ""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object of the repository: the files in it, and the key that opens them."""

    path: str
    key: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of files that it gives back."""
        return sum(piece.size for piece in self.pieces)


@control(
    "BAK-03",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("backups", "objects", "postgres"),
    promises=("backup.pitr",),
    refs=("ISO 27001 A.8.13", "SOC 2 A1.2", "NIST SP 800-34 CP-9"),
    remediation="Take a full backup at once, find out what damaged the one that is named, and do not count on it any more.",
)
def test_every_kept_backup_is_whole(stack: Stack, findings: Findings) -> None:
    """Every base backup that is kept holds every file of the cluster as it was copied, and opens with the escrow key alone."""
    if stack.postgres is None or stack.backups is None or stack.objects is None:
        msg = "the backups of a stack without database, backups or objects were asked for; its control must declare its needs"
        raise HarnessError(msg)
    findings.judge(_look(Repository(stack.backups, stack.objects), stack.postgres, seed=secrets.randbits(32)))


def _look(repository: Repository, postgres: Postgres, *, seed: int) -> Iterator[Judgement]:
    try:
        kept = [_kept(repository, backup) for backup in repository.backups()]
    except (Undecipherable, Absent) as problem:
        yield Judgement(subject="list of backups", outcome=Outcome.FAIL, reason=str(problem), expected="readable", observed="not readable")
        return
    there = objects(found.manifest for found in kept if found.manifest)
    chosen = sample(there, budget=BUDGET, seed=seed)
    with concurrent.futures.ThreadPoolExecutor(_READERS) as pool:
        looked = dict(zip((found.path for found in chosen), pool.map(lambda found: _defects(repository, found), chosen), strict=True))
    yield from (judge(found, looked) for found in kept)
    yield from _complete(repository, storage.files(postgres), [found.manifest for found in kept if found.manifest])
    yield coverage(len(chosen), len(there), what=f"objects of {len(kept)} backups" + sampled(chosen, there, seed))


def _complete(repository: Repository, there: tuple[storage.Stored, ...], manifests: Iterable[Manifest]) -> Iterator[Judgement]:
    for manifest in manifests:
        try:
            yield completeness.judge(manifest, there, completeness.began(repository, manifest))
        except Unobservable as problem:
            reason = f"its own control file or label cannot be read: {problem}"
            yield Judgement(subject=f"files of backup {manifest.label}", outcome=Outcome.FAIL, reason=reason)


def _kept(repository: Repository, backup: Backup) -> Kept:
    try:
        return Kept(backup=backup, manifest=sets.manifest(repository, backup.label))
    except (Undecipherable, Absent) as problem:
        return Kept(backup=backup, wrong=str(problem))


def _defects(repository: Repository, stored: Stored) -> dict[Piece, str]:
    """What is wrong with the files of an object."""
    try:
        raw = repository.fetch(stored.path)
    except Absent as problem:
        return dict.fromkeys(stored.pieces, str(problem))
    found = {piece: sets.defect(piece, raw, stored.key) for piece in stored.pieces}
    return {piece: wrong for piece, wrong in found.items() if wrong}


def objects(manifests: Iterable[Manifest]) -> list[Stored]:
    """Every object that the manifests name, once, whoever refers to it.  A pure function."""
    named: dict[tuple[str, str], dict[Piece, None]] = {}
    for manifest in manifests:
        for piece in manifest.pieces:
            named.setdefault((piece.path, manifest.key), {})[piece] = None
    return [Stored(path=path, key=key, pieces=tuple(pieces)) for (path, key), pieces in named.items()]


def sample(there: Sequence[Stored], *, budget: int, seed: int) -> list[Stored]:
    """All of them when they are small enough together, else as many as the budget has room for, by chance.  A pure function."""
    chosen, left = [], budget
    for found in random.Random(seed).sample(there, len(there)):  # noqa: S311 - a sample that can be drawn again, no secret
        if found.size <= left:
            chosen.append(found)
            left -= found.size
    return chosen


def sampled(chosen: Sequence[Stored], there: Sequence[Stored], seed: int) -> str:
    """How a sample was drawn, for the reader; nothing when everything was looked at."""
    if len(chosen) == len(there):
        return ""
    read, known = (sum(found.size for found in found_) >> 20 for found_ in (chosen, there))
    return f", a sample of {read} of {known} MiB by seed {seed}; restores prove the rest"


def judge(kept: Kept, looked: dict[str, dict[Piece, str]]) -> Judgement:
    """FAIL for a backup that is marked bad, has no manifest, or of which one file is not what was copied; a pure function."""
    pieces = kept.manifest.pieces if kept.manifest else ()
    bad = [f"{piece.name}: {looked[piece.path][piece]}" for piece in pieces if piece in looked.get(piece.path, {})]
    problems = [kept.wrong] if kept.wrong else []
    problems += ["the tool itself says that it has errors"] if kept.backup.has_error else []
    problems += [kept.manifest.problem] if kept.manifest and kept.manifest.problem else []
    seen = sum(piece.path in looked for piece in pieces)
    return Judgement(
        subject=f"backup {kept.backup.label}",
        outcome=Outcome.FAIL if problems or bad else Outcome.PASS if seen else Outcome.NOT_REVIEWED,
        reason="; ".join([*problems, *bad[:4]]) + (f" and {len(bad) - 4} more" if len(bad) > 4 else "")  # noqa: PLR2004 - as many as are named
        or f"{seen} of {len(pieces)} files are what was copied",
        expected=[],
        observed=[*problems, *bad],
    )
