"""The archive's judges: from what was read of the objects to what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.observe.archive import Content, Fork, Place, Segment
from constat.outcome import Outcome
from suites.backups.archiving import Arrival
from suites.backups.chain import Chain
from suites.backups.test_archive import Examined, arrival, confidentiality, continuity, defect, wholeness

SEGMENT = Segment(place=Place(2, 6), digest="d" * 40, packing="lz4", path="archive/…")
CONTENT = Content(digest="d" * 40, is_wal=True, timeline=2, system="77", number=6)


def test_a_segment_that_is_what_its_name_says_has_no_defect() -> None:
    """Digest, timeline, number and cluster fit."""
    assert defect(SEGMENT, CONTENT, forks=(), system="77") == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (replace(CONTENT, digest="e" * 40), "SHA-1"),
        (replace(CONTENT, is_wal=False), "another segment"),
        (replace(CONTENT, timeline=1), "another segment"),
        (replace(CONTENT, number=7), "another segment"),
        (replace(CONTENT, system="78"), "another cluster"),
    ],
    ids=["rotten", "no WAL", "another timeline", "another number", "another cluster"],
)
def test_each_deviation_is_a_defect(content: Content, words: str) -> None:
    """A segment that is not what its name says is a defect, whichever way."""
    assert words in defect(SEGMENT, content, forks=(), system="77")


def test_the_first_segment_of_a_timeline_begins_with_its_parents_pages() -> None:
    """The copy that a failover makes carries the parent's timeline in its first page, and only there."""
    forks = (Fork(timeline=2, parent=1, number=6),)

    assert defect(SEGMENT, replace(CONTENT, timeline=1), forks=forks, system="77") == ""
    assert defect(SEGMENT, replace(CONTENT, timeline=3), forks=forks, system="77") != ""


def test_a_gap_is_named() -> None:
    """The verdict says before which segment a recovery stops; a missing history counts as a gap."""
    whole = Chain(first=Place(1, 4), last=Place(1, 9), missing=())

    assert continuity(whole).outcome is Outcome.PASS
    assert "stops before 000000010000000000000006" in continuity(replace(whole, missing=(Place(1, 6).name,))).reason
    assert continuity(replace(whole, orphans=(2,))).observed == ["00000002.history"]


def test_a_segment_that_does_not_arrive_fails() -> None:
    """That the server believes to have archived it is no answer."""
    assert arrival(Arrival(segment="x", is_there=True, reason="")).outcome is Outcome.PASS
    assert arrival(Arrival(segment="x", is_there=False, reason="")).outcome is Outcome.FAIL


def test_content_is_said_by_timeline_and_by_name() -> None:
    """One bad segment fails its timeline and is named; the others pass."""
    good, bad = Examined(segment=SEGMENT, bare="", wrong=""), Examined(segment=replace(SEGMENT, place=Place(1, 5)), bare="", wrong="rotten")

    judged = {judgement.subject: judgement for judgement in wholeness([good, bad])}

    assert judged["content of timeline 2"].outcome is Outcome.PASS
    assert judged["content of timeline 1"].observed == [f"{Place(1, 5).name}: rotten"]


def test_a_bare_segment_fails() -> None:
    """A segment that somebody without the key can read is named with what it is."""
    bare = Examined(segment=SEGMENT, bare="LZ4", wrong="")

    assert confidentiality([replace(bare, bare="")]).outcome is Outcome.PASS
    assert confidentiality([bare]).outcome is Outcome.FAIL
