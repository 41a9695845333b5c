"""The records in archived WAL: their checksums, read by the server's own program over the segments as a recovery reads them."""

from __future__ import annotations

import concurrent.futures
import random
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat import deadlines
from constat.clock import monotonic
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.observe.archive import Place
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SEGMENT: Final = 16 << 20
WINDOW: Final = 16  # segments that lie on this disk at a time
LIMIT: Final = 256  # segments that are read in one run; of more, a sample is
READERS: Final = 2
_PROGRAM: Final = "/usr/lib/postgresql/{version}/bin/pg_waldump"


@dataclass(frozen=True, kw_only=True)
class Read:
    """Which segments of the chain were read, and what is wrong with the records in them."""

    places: tuple[Place, ...]
    wrong: tuple[str, ...]
    unread: str = ""  # why records were not looked at, where they were not


def windows(chain: Sequence[Place], *, size: int) -> list[tuple[Place, ...]]:
    """Cut a chain into stretches without a gap that overlap by a segment, so that no record falls between two.  A pure function."""
    stretches: list[list[Place]] = []
    for place in chain:
        if not stretches or stretches[-1][-1].number + 1 != place.number:
            stretches.append([])
        elif len(stretches[-1]) == size:
            stretches.append([stretches[-1][-1]])
        stretches[-1].append(place)
    return [tuple(stretch) for stretch in stretches]


def chosen(stretches: Sequence[tuple[Place, ...]], *, limit: int, seed: int) -> list[tuple[Place, ...]]:
    """The oldest, the newest, and by chance as many of the others as the limit has room for.  A pure function."""
    ends = {0, len(stretches) - 1} if stretches else set()
    picked, left = set(ends), limit - sum(len(stretches[index]) for index in ends)
    for index in random.Random(seed).sample(range(len(stretches)), len(stretches)):  # noqa: S311 - a sample that can be drawn again, no secret
        if index not in picked and len(stretches[index]) <= left:
            picked.add(index)
            left -= len(stretches[index])
    return [stretches[index] for index in sorted(picked)]


def read(stretches: Iterable[tuple[Place, ...]], load: Callable[[Place], bytes], *, version: str) -> Read:
    """Read each stretch; `load` gives a segment's WAL, or nothing where it has none.  Ends in bounded time, with what it came to."""
    program, start = Path(_PROGRAM.format(version=version)), monotonic()
    places: set[Place] = set()
    wrong: dict[str, None] = {}
    for stretch in stretches:
        if monotonic() - start > deadlines.ARCHIVE_READ:
            break
        wrong |= dict.fromkeys(_checked(program, stretch, load))
        places |= set(stretch)
    unread = "" if program.exists() else f"{str(program)!r} is missing; install postgresql-{version}"
    return Read(places=tuple(sorted(places)), wrong=tuple(wrong), unread=unread)


def _checked(program: Path, stretch: Sequence[Place], load: Callable[[Place], bytes]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="wal-") as folder, concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        # One name for all: the chain changes timelines, and the program follows one.
        named = [Place(stretch[-1].timeline, place.number) for place in stretch]
        have = list(pool.map(lambda pair: _write(Path(folder) / pair[1].name, load(pair[0])), zip(stretch, named, strict=True)))
        whole = [name for name, is_there in zip(named, have, strict=True) if is_there]
        if program.exists():
            for first, last in _ends(whole):
                yield from complaint(_run(program, folder, first, last))


def _ends(places: Iterable[Place]) -> list[tuple[Place, Place]]:
    return [(stretch[0], stretch[-1]) for stretch in windows(tuple(places), size=WINDOW + 1)]


def _write(path: Path, wal: bytes) -> bool:
    """Put a segment on this disk; the zeros that follow a switch take no room there."""
    with path.open("wb") as file:
        file.write(wal.rstrip(b"\0"))
        file.truncate(len(wal))
    return len(wal) == SEGMENT


def _run(program: Path, folder: str, first: Place, last: Place) -> str:
    command = (str(program), "--quiet", f"--path={folder}", f"--timeline={last.timeline}", first.name, last.name)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=deadlines.ARCHIVE_READ
        )
    except subprocess.TimeoutExpired:
        msg = f"{program.name} has not read {first.name} to {last.name} within {deadlines.ARCHIVE_READ:g} s"
        raise Unobservable(msg) from None
    return done.stderr.strip() or f"it ended with {done.returncode}" if done.returncode else ""


def complaint(said: str) -> Iterator[str]:
    """What the program said of a record, in its last line; nothing when it said nothing.  A pure function."""
    if said:
        yield said.splitlines()[-1].removeprefix("pg_waldump: ").removeprefix("error: ")


def judge(found: Read) -> Judgement:
    """Whether a recovery can read every record: FAIL at the first that it would stop at; a pure function."""
    if found.unread:
        return Judgement(subject="records", outcome=Outcome.NOT_REVIEWED, reason=found.unread)
    return Judgement(
        subject="records",
        outcome=Outcome.FAIL if found.wrong else Outcome.PASS,
        reason=f"a recovery stops early and says nothing: {'; '.join(found.wrong[:4])}"
        if found.wrong
        else f"the checksum of every record in {len(found.places)} segments is right",
        expected=[],
        observed=list(found.wrong),
    )
