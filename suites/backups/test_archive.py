"""The archive: every segment since the oldest backup, from the objects' own bytes."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import itertools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.control import control
from constat.errors import HarnessError, Unobservable
from constat.handover import arrived, switch
from constat.judgement import Judgement, compare, coverage
from constat.observe import archive, replication, wal
from constat.observe.archive import Absent, Place, Repository, Undecipherable
from constat.outcome import Impact, Outcome, Severity
from suites.backups import histories, records
from suites.backups.chain import chain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.handover import Arrival
    from constat.judgement import Findings
    from constat.observe.archive import Fork, Segment
    from constat.observe.replication import Member
    from constat.observe.wal import Content
    from constat.stack import Stack
    from suites.backups.chain import Chain
    from suites.backups.records import Read


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was found of one archived segment."""

    segment: Segment
    bare: str  # what it is for somebody without the key
    wrong: str  # what is wrong with its content


@control(
    "BAK-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("backups", "objects", "postgres"),
    promises=("backup.pitr",),
    refs=("ISO 27001 A.8.13", "ISO 27001 A.8.24", "NIST SP 800-34 CP-9", "SOC 2 A1.2"),
    remediation="Find out why segments are missing or damaged, take a new full backup at once, and alert on gaps in the archive.",
)
def test_the_archive_is_a_chain_without_a_gap(stack: Stack, findings: Findings) -> None:
    """Every WAL segment from the oldest backup to now is archived, whole, of this cluster, and readable with the escrow key alone."""
    if stack.postgres is None or stack.backups is None or stack.objects is None:
        msg = "the archive of a stack without database, backups or objects was asked for; its control must declare its needs"
        raise HarnessError(msg)
    repository, primary = Repository(stack.backups, stack.objects), replication.primary(stack.postgres)
    keyless = Repository(dataclasses.replace(stack.backups, cipher_pass=secrets.token_urlsafe(32)), stack.objects)
    seen = arrived(repository, switch(stack.postgres))
    now = max(primary.timeline, archive.place(seen.segment).timeline)  # the control file learns of a failover later
    commands = map(histories.judge_command, replication.archiving(stack.postgres))
    contents = _contents(repository, dataclasses.replace(primary, timeline=now))
    findings.judge(itertools.chain([arrival(seen), *commands, *_keys(repository, keyless)], contents))


def _contents(repository: Repository, primary: Member) -> Iterator[Judgement]:
    try:
        segments, backups, forks = repository.segments(), repository.backups(), repository.forks()
        whole = chain(segments, backups, forks)
    except (Undecipherable, Absent):
        return  # said of the escrow key already; nothing more can be read
    except ValueError as problem:
        yield Judgement(subject="continuity", outcome=Outcome.FAIL, reason=str(problem), expected=[], observed=[str(problem)])
        return
    needed = [segment for segment in segments if segment.place.number >= whole.first.number]
    reader = _Reader(repository, needed, forks=forks, system=primary.system)
    yield continuity(whole)
    yield distinctness(needed)
    yield histories.judge(needed, repository.histories(), timeline=primary.timeline)
    yield histories.judge_ends(backups, repository.closed())
    yield records.judge(reader.read(whole, version=repository.server_version))
    yield from wholeness(reader.looked.values())
    yield confidentiality(reader.looked.values())
    yield coverage(len(reader.looked), len(needed), what="segments since the oldest backup")


class _Reader:
    """Reads each segment once, and remembers what it has found."""

    def __init__(self, repository: Repository, segments: Iterable[Segment], *, forks: tuple[Fork, ...], system: str) -> None:
        self._repository, self._forks, self._system = repository, forks, system
        self._segments = {segment.place: segment for segment in segments}
        self.looked: dict[Place, Examined] = {}

    def read(self, whole: Chain, *, version: str) -> Read:
        """Read what a recovery reads, stretch by stretch, and then what lies beside the chain; of a large archive a sample."""
        stretches = records.windows([place for place in whole.needed if place in self._segments], size=records.WINDOW)
        found = records.read(records.chosen(stretches, limit=records.LIMIT, seed=secrets.randbits(32)), self._load, version=version)
        beside = [place for place in self._segments if place not in whole.needed]
        with concurrent.futures.ThreadPoolExecutor(records.READERS) as pool:
            list(pool.map(self._load, beside[: records.LIMIT]))
        return found

    def _load(self, place: Place) -> bytes:
        segment = self._segments[place]
        raw = self._repository.raw(segment)
        try:
            plain = self._repository.opened(segment, raw)
            wrong = defect(segment, wal.content(plain), forks=self._forks, system=self._system)
        except Unobservable as problem:
            plain, wrong = b"", str(problem)  # it was fetched: that it does not open is a defect of what is stored
        self.looked[place] = Examined(segment=segment, bare=archive.readable_as(raw), wrong=wrong)
        return plain


def _keys(repository: Repository, keyless: Repository) -> Iterator[Judgement]:
    """The escrow key opens the repository, and another one does not."""
    seen = {"escrow key": _opens(repository), "another key": _opens(keyless)}
    expected = {"escrow key": "opens it", "another key": "does not open it"}
    reason = "; ".join(f"{key} {what}" for key, what in seen.items() if what != expected[key])
    yield compare("escrow key", expected=expected, observed=seen, reason=reason)


def _opens(repository: Repository) -> str:
    try:
        listed, key = repository.backups(), repository.archive_key
    except Undecipherable:
        return "does not open it"
    except Absent as problem:
        return str(problem)
    return "opens it" if listed and key else "holds no backup"


def arrival(seen: Arrival) -> Judgement:
    """Whether the segment that the primary was made to hand over is in the store."""
    return Judgement(
        subject="arrival",
        outcome=Outcome.PASS if seen.is_there else Outcome.FAIL,
        reason=seen.reason,
        expected="in the store",
        observed="in the store" if seen.is_there else "not in the store",
    )


def continuity(whole: Chain) -> Judgement:
    """Whether a recovery from the oldest backup finds every segment to the newest."""
    broken = [*whole.missing, *(f"{timeline:08X}.history" for timeline in whole.orphans)]
    return Judgement(
        subject="continuity",
        outcome=Outcome.FAIL if broken else Outcome.PASS,
        reason=f"a recovery stops before {broken[0]}; missing: {', '.join(broken[:8])}"
        if broken
        else f"{whole.length} segments from {whole.first.name} to {whole.last.name}",
        expected=[],
        observed=broken,
    )


def written_on(address: int, timeline: int, forks: Iterable[Fork]) -> int:
    """On which timeline the page at an address was written, as the given timeline has it.  A pure function."""
    left = {fork.timeline: fork for fork in forks}
    while (fork := left.pop(timeline, None)) and address < fork.position:
        timeline = fork.parent
    return timeline


def defect(segment: Segment, content: Content, *, forks: Iterable[Fork], system: str) -> str:
    """What is wrong with a segment, from what was read of it; nothing when it is whole.  A pure function."""
    if content.digest != segment.digest:
        return "its content is not what was archived: another SHA-1 than its name says"
    if not content.is_wal or content.number != segment.place.number:
        return f"it holds another segment than its name says: number {content.number}"
    if content.system != system:
        return f"it is of another cluster ({content.system})"
    if content.torn_at is not None:
        return f"it is torn: page {content.torn_at} neither follows the page before it nor is the end"
    return _stray(segment.place.timeline, content, tuple(forks))


def _stray(timeline: int, content: Content, forks: tuple[Fork, ...]) -> str:
    """The first page that was written on a timeline which had no right to it any more, or not yet."""
    for run in content.runs:
        for address in (run.first, run.last):  # between them nothing changes
            if run.timeline != (right := written_on(address, timeline, forks)):
                return f"it holds another segment than its name says: the page at {address:#x} is of timeline {run.timeline}, not {right}"
    return ""


def distinctness(segments: Iterable[Segment]) -> Judgement:
    """Whether each place is there once, and each content: a recovery that has to choose stops."""
    seen: dict[Place | str, set[str]] = {}
    for segment in segments:
        for key in (segment.place, segment.digest):
            seen.setdefault(key, set()).add(segment.place.name if key == segment.digest else segment.digest)
    doubled = [
        f"{key.name} is there {len(found)} times" if isinstance(key, Place) else f"{' and '.join(sorted(found))} hold the same WAL"
        for key, found in seen.items()
        if len(found) > 1
    ]
    return Judgement(
        subject="distinctness",
        outcome=Outcome.FAIL if doubled else Outcome.PASS,
        reason="; ".join(doubled[:4]) or "each segment is there once, and no two hold the same",
        expected=[],
        observed=doubled,
    )


def wholeness(looked: Iterable[Examined]) -> Iterator[Judgement]:
    """One subject a timeline: every segment of it holds what it should."""
    by_timeline: dict[int, list[Examined]] = {}
    for seen in looked:
        by_timeline.setdefault(seen.segment.place.timeline, []).append(seen)
    for timeline, found in sorted(by_timeline.items()):
        bad = [f"{seen.segment.place.name}: {seen.wrong}" for seen in found if seen.wrong]
        yield Judgement(
            subject=f"content of timeline {timeline}",
            outcome=Outcome.FAIL if bad else Outcome.PASS,
            reason="; ".join(bad[:4]) or f"{len(found)} segments are whole, of this cluster and in their place",
            expected=[],
            observed=bad,
        )


def confidentiality(looked: Iterable[Examined]) -> Judgement:
    """Whether somebody who gets hold of the objects and has no key can read them."""
    bare = [f"{seen.segment.place.name}: {seen.bare}" for seen in looked if seen.bare]
    return Judgement(
        subject="confidentiality",
        outcome=Outcome.FAIL if bare else Outcome.PASS,
        reason=f"readable without the key: {', '.join(bare[:4])}" if bare else "no segment is readable without the key",
        expected=[],
        observed=bare,
    )
