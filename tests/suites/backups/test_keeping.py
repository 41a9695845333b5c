"""Retention, schedule and exposure, judged from facts."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from constat.observe.archive import Backup, Place
from constat.observe.keeping import Bucket, Rule, Run, Schedule
from constat.observe.replication import Archiving
from constat.outcome import Outcome
from suites.backups.keeping import judge_age, judge_bucket, judge_expiry, judge_exposure, judge_scheduler

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
BUCKET = Bucket(root="pgbackrest/", is_versioned=True, locked_days=30, rules=())
NODE = Archiving(node="one", mode="on", command="", timeout_seconds=60, waiting_seconds=0)
RUN = Run(kind="full", last_success=NOW, next_run=NOW + datetime.timedelta(hours=1))
BEFORE, AFTER = Schedule(written="1", runs=(RUN,)), Schedule(written="2", runs=(RUN,))
HOUR = 3600.0


def full(hours: float) -> Backup:
    """A full backup that ended so many hours ago."""
    return Backup(label="F", kind="full", start=Place(1, 1), stop=Place(1, 1), has_error=False, ended_at=NOW.timestamp() - hours * HOUR)


@pytest.mark.parametrize(
    ("bucket", "good"),
    [
        (BUCKET, True),
        (replace(BUCKET, is_versioned=False), False),
        (replace(BUCKET, locked_days=1), False),
        (replace(BUCKET, rules=(Rule(name="r", prefix="", days=1),)), False),
        (replace(BUCKET, rules=(Rule(name="r", prefix="pgbackrest/archive/", days=7),)), False),
        (replace(BUCKET, rules=(Rule(name="r", prefix="pgbackrest/", days=31),)), True),
        (replace(BUCKET, rules=(Rule(name="r", prefix="elsewhere/", days=1),)), True),
        (replace(BUCKET, rules=(Rule(name="r", prefix="", days=None),)), True),
        (replace(BUCKET, rules=(Rule(name="r", prefix="", days=None, noncurrent_days=1),)), False),
        (replace(BUCKET, rules=(Rule(name="r", prefix="", days=None, noncurrent_days=31),)), True),
    ],
)
def test_the_store_keeps_what_was_promised(bucket: Bucket, good: bool) -> None:  # noqa: FBT001 - a table
    """A lock, versions, and no rule that reaches into the repository too early."""
    assert judge_bucket(bucket, 30).outcome is (Outcome.PASS if good else Outcome.FAIL)


@pytest.mark.parametrize(
    ("options", "good"),
    [
        ({"repo1-retention-full": "30", "repo1-retention-full-type": "time"}, True),
        ({}, True),
        ({"repo1-retention-full": "1"}, False),
        ({"repo1-retention-full": "7", "repo1-retention-full-type": "time"}, False),
        ({"repo1-retention-full": "30", "repo1-retention-archive": "1"}, False),
    ],
)
def test_the_tool_expires_nothing_too_early(options: dict[str, str], good: bool) -> None:  # noqa: FBT001 - a table
    """Neither backups nor the WAL between them."""
    assert judge_expiry(options, 30).outcome is (Outcome.PASS if good else Outcome.FAIL)


@pytest.mark.parametrize(("hours", "good"), [((1,), True), ((49, 25, 1), True), ((26,), False), ((60, 1), False), ((), False)], ids=str)
def test_a_day_without_a_backup_is_noticed(hours: tuple[float, ...], good: bool) -> None:  # noqa: FBT001 - a table
    """Now, and between two that are kept; none at all is the worst."""
    assert judge_age(map(full, hours), NOW.timestamp()).outcome is (Outcome.PASS if good else Outcome.FAIL)


def test_a_backup_with_errors_is_none() -> None:
    """What cannot be restored does not keep a schedule."""
    assert judge_age([replace(full(1), has_error=True)], NOW.timestamp()).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (AFTER, Outcome.PASS),
        (BEFORE, Outcome.FAIL),
        (replace(AFTER, runs=()), Outcome.FAIL),
        (replace(AFTER, runs=(replace(RUN, next_run=None),)), Outcome.FAIL),
        (replace(AFTER, runs=(replace(RUN, next_run=NOW - datetime.timedelta(hours=2)),)), Outcome.FAIL),
        (replace(AFTER, runs=(replace(RUN, next_run=NOW + datetime.timedelta(days=6)),)), Outcome.FAIL),
        (None, Outcome.NOT_REVIEWED),
    ],
    ids=["alive", "hangs", "knows nothing", "plans nothing", "lets one pass", "once a week", "says nothing"],
)
def test_a_scheduler_must_move_and_plan(after: Schedule | None, outcome: Outcome) -> None:
    """That it is a process says nothing."""
    assert judge_scheduler(BEFORE, after, now=NOW).outcome is outcome


@pytest.mark.parametrize(
    ("seen", "good"),
    [
        (NODE, True),
        (replace(NODE, timeout_seconds=0), False),
        (replace(NODE, timeout_seconds=7200), False),
        (replace(NODE, waiting_seconds=4000), False),
        (replace(NODE, timeout_seconds=3000, waiting_seconds=900), False),
    ],
)
def test_a_change_leaves_the_server_in_time(seen: Archiving, good: bool) -> None:  # noqa: FBT001 - a table
    """What waits and what is still to wait count together."""
    assert judge_exposure(seen, 3600).outcome is (Outcome.PASS if good else Outcome.FAIL)
