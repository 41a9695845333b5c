"""Whether backups are kept as long as promised, are made when promised, and WAL leaves the server in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping

    from constat.observe.archive import Backup
    from constat.observe.keeping import Bucket, Schedule
    from constat.observe.replication import Archiving

# A backup every day, and an hour for it to be made in; seconds.
LONGEST_GAP: Final = 25 * 3600.0
# A run waits for the one before it; a scheduler that is later than this does not run it at all; seconds.
LATE: Final = 3600.0
_DAY: Final = 86400.0


def judge_bucket(bucket: Bucket, days: int) -> Judgement:
    """FAIL when the store may lose an object of the repository before the promised number of days; a pure function."""
    problems = [] if bucket.is_versioned else ["versioning is not enabled: an overwritten object is gone"]
    problems += [f"object lock keeps what is written for {bucket.locked_days} days, not {days}"] if bucket.locked_days < days else []
    problems += [
        f"lifecycle rule {rule.name!r} removes {what} of {rule.prefix!r} after {after:g} days"
        for rule in bucket.rules
        for what, after in (("objects", rule.days), ("versions that were overwritten or deleted", rule.noncurrent_days))
        if after is not None and after < days and _overlap(rule.prefix, bucket.root)
    ]
    return _judged("retention in the store", problems, f"versions are kept, and locked for {bucket.locked_days} days")


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def judge_expiry(options: Mapping[str, str], days: int) -> Judgement:
    """FAIL when the tool is told to expire a backup, or WAL that a recovery needs, before the promised number of days; a pure function.

    Counts are judged as of a full backup a day, which is what is promised.  Without a limit nothing is ever expired.
    """
    problems = []
    full, kind = options.get("repo1-retention-full"), options.get("repo1-retention-full-type", "count")
    if full is not None and int(full) < days:
        problems.append(f"repo1-retention-full={full} ({kind}) keeps full backups for {full} days, not {days}")
    wal, base = options.get("repo1-retention-archive"), options.get("repo1-retention-archive-type", "full")
    if wal is not None and int(wal) < days:
        problems.append(f"repo1-retention-archive={wal} ({base}) expires WAL from within the {days} days")
    return _judged("retention by the tool", problems, f"full backups are kept for {full} days" if full else "nothing is expired")


def judge_age(backups: Iterable[Backup], now: float) -> Judgement:
    """FAIL when the newest good full backup is older than a day and an hour, or one in between was left out; a pure function."""
    ends = sorted(backup.ended_at for backup in backups if backup.kind == "full" and not backup.has_error)
    gaps = [(start, end) for start, end in zip(ends, [*ends[1:], now], strict=True) if end - start > LONGEST_GAP] if ends else []
    problems = [] if ends else ["there is no full backup"]
    problems += [f"{(end - start) / 3600:.0f} h between full backups, expected {LONGEST_GAP / 3600:.0f} at most" for start, end in gaps]
    return _judged(
        "schedule kept", problems, f"{len(ends)} full backups without a gap" + (f" since {(now - ends[0]) / _DAY:.1f} days" if ends else "")
    )


def judge_scheduler(before: Schedule | None, after: Schedule | None, *, now: datetime.datetime) -> Judgement:
    """FAIL when the scheduler has written nothing meanwhile, plans no run or one too late, or lets one pass; a pure function."""
    if before is None or after is None:
        return Judgement(
            subject="scheduler",
            outcome=Outcome.NOT_REVIEWED,
            reason="it writes no state beside the tool's configuration; its runs are judged",
        )
    problems = [] if after.written != before.written else [f"it does not move: its last word is of {after.written}"]
    problems += [] if after.runs else ["it knows of no kind of backup"]
    problems += [f"no {run.kind} backup is planned" for run in after.runs if run.next_run is None]
    problems += [
        f"the {run.kind} backup of {run.next_run.isoformat()} has not begun"
        for run in after.runs
        if run.next_run and (now - run.next_run).total_seconds() > LATE
    ]
    problems += [
        f"the next {run.kind} backup is only to begin at {run.next_run.isoformat(timespec='minutes')}: not one a day"
        for run in after.runs
        if run.next_run and (run.next_run - now).total_seconds() > LONGEST_GAP
    ]
    return _judged("scheduler", problems, f"alive, with {' and '.join(sorted(run.kind for run in after.runs))} planned")


def judge_exposure(seen: Archiving, rpo: float) -> Judgement:
    """FAIL when a change may stay on the server alone for longer than a disaster may cost; seconds, a pure function."""
    worst = seen.timeout_seconds + seen.waiting_seconds
    problems = ["archive_timeout is 0: a change waits for as long as its segment is not full"] if seen.timeout_seconds <= 0 else []
    problems += [f"a file has waited {seen.waiting_seconds:.0f} s to be archived"] if seen.waiting_seconds > rpo else []
    problems += [f"a change may wait {worst:.0f} s, and a disaster may cost {rpo:g} s"] if worst > rpo and not problems else []
    return _judged(f"exposure of {seen.node}", problems, f"a change leaves the server within about {worst:.0f} s; {rpo:g} s are promised")


def _judged(subject: str, problems: list[str], good: str) -> Judgement:
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if problems else Outcome.PASS,
        reason="; ".join(problems) or good,
        expected=[],
        observed=problems,
    )
