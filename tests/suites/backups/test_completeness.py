"""Completeness: what the cluster had when a backup began must be in it, and what came later need not."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from constat.errors import Unobservable
from constat.observe.sets import Manifest
from constat.observe.storage import Checkpoint, Stored, checkpoint
from constat.outcome import Outcome
from suites.backups.completeness import Began, judge

FILES = ["PG_VERSION", "global/pg_control", "global/pg_filenode.map", "backup_label", "base/5/PG_VERSION", "base/5/16384"]
LOGS = ["pg_xact/0000", "pg_multixact/offsets/0000", "pg_multixact/members/0000"]
CLUSTER = frozenset(f"pg_data/{name}" for name in [*FILES, *LOGS])
MANIFEST = Manifest(label="F", key="", pieces=(), names=CLUSTER)
BEGAN = Began(start=40, checkpoint=Checkpoint(redo=40, next_transaction=1000))
OLD, NEW = Stored(what="db: leads", path="base/5/16384", since=900), Stored(what="db: later", path="base/5/20000", since=1000)


def said(manifest: Manifest = MANIFEST, began: Began | None = BEGAN, *there: Stored) -> Outcome:
    """How it ended."""
    return judge(manifest, there or (OLD, NEW), began).outcome


def test_what_came_later_need_not_be_there() -> None:
    """The transaction after the checkpoint had not begun."""
    assert said() is Outcome.PASS


@pytest.mark.parametrize("name", sorted(CLUSTER - {"pg_data/base/5/PG_VERSION"}))
def test_each_file_that_is_left_out_is_red(name: str) -> None:
    """A relation's, and each without which there is no cluster."""
    assert said(replace(MANIFEST, names=CLUSTER - {name})) is Outcome.FAIL


def test_a_relation_in_a_tablespace_is_known_by_its_own_path() -> None:
    """It is not below the data directory."""
    moved = replace(OLD, path="pg_tblspc/16390/PG_15_202209061/5/16384")

    assert said(MANIFEST, BEGAN, moved) is Outcome.FAIL
    assert said(replace(MANIFEST, names=CLUSTER | {moved.path}), BEGAN, moved) is Outcome.PASS


def test_a_checkpoint_meanwhile_leaves_relations_out_and_says_so() -> None:
    """Whether a relation was there when the copy began cannot be told then."""
    later = replace(BEGAN, checkpoint=replace(BEGAN.checkpoint, redo=50))
    found = judge(replace(MANIFEST, names=CLUSTER - {"pg_data/base/5/16384"}), [OLD], later)

    assert (found.outcome, "not compared" in found.reason) == (Outcome.PASS, True)


@pytest.mark.parametrize(("since", "is_after"), [(999, True), (1000, False), (1001, False), (2**32 - 5, True), (2**31 + 1001, True)])
def test_transactions_go_in_a_circle(since: int, is_after: bool) -> None:  # noqa: FBT001 - a table
    """Half of the numbers are older than any one, and half are newer."""
    assert BEGAN.checkpoint.is_after(since) is is_after


def test_a_control_file_is_read_and_an_unknown_one_refused() -> None:
    """Version, where to replay from, and the next transaction with its epoch."""
    raw = struct.pack("<QIIIIqQQIIQQ", 7, 1300, 0, 6, 0, 0, 0, 40, 1, 1, 1, (3 << 32) + 1000)

    assert checkpoint(raw) == Checkpoint(redo=40, next_transaction=(3 << 32) + 1000)
    with pytest.raises(Unobservable):
        checkpoint(b"\0" * 100)
