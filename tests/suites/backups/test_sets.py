"""Base backups: what a manifest says, what is stored, and what is said of both."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import cast

import lz4.frame  # type: ignore[import-untyped] # ships no types; what comes from it is bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.errors import Unobservable
from constat.observe import sets
from constat.observe.archive import Backup, Place, Repository
from constat.observe.sets import Manifest, Piece
from constat.outcome import Outcome
from suites.backups.test_sets import Kept, Stored, judge, objects, sample, sampled

PLAIN = b"a page of a table " * 400
PACKED = bytes(lz4.frame.compress(PLAIN))
PIECE = Piece(
    name="pg_data/base/1/112",
    digest=hashlib.sha1(PLAIN, usedforsecurity=False).hexdigest(),
    size=len(PLAIN),
    path="b/bundle/1",
    offset=7,
    stored=len(PACKED),
    packing="lz4",
)
BACKUP = Backup(label="20260101-000000F", kind="full", start=Place(1, 4), stop=Place(1, 5), has_error=False)
MANIFEST = Manifest(label=BACKUP.label, key="", pieces=(PIECE,))


class Places:
    """Where a backup's objects are."""

    def set_path(self, label: str) -> str:
        """Below the repository's own root."""
        return f"root/{label}"


def read(*lines: str) -> Manifest:
    """A manifest with these files, packed by LZ4."""
    text = "\n".join(
        ["[backrest]", "", "[backup:option]", 'option-compress-type="lz4"', "[cipher]", 'cipher-pass="secret"', "[target:file]", *lines]
    )
    return sets.read("F", text, cast("Repository", Places()))


def test_a_manifest_says_where_each_file_is() -> None:
    """In a bundle, alone, in an older backup; an empty one is nowhere, and a name may hold an equals sign."""
    said = {"checksum": "d", "size": 9, "repo-size": 5}
    found = read(
        "pg_data/a=b=" + json.dumps(said | {"bni": 2, "bno": 3}),
        "pg_data/alone=" + json.dumps(said),
        "pg_data/old=" + json.dumps(said | {"bni": 1, "reference": "E"}),
        'pg_data/empty={"size":0}',
    )

    assert [(p.name, p.path, p.offset, p.stored) for p in found.pieces] == [
        ("pg_data/a=b", "root/F/bundle/2", 3, 5),
        ("pg_data/alone", "root/F/pg_data/alone.lz4", 0, 0),
        ("pg_data/old", "root/E/bundle/1", 0, 5),
    ]
    assert found.key == "secret"


def test_a_manifest_without_files_is_no_manifest() -> None:
    """Nothing to look at is never green."""
    with pytest.raises(Unobservable, match="lists no file"):
        read()


def test_a_stored_file_that_is_what_was_copied_has_no_defect() -> None:
    """It is cut out of its bundle, opened and compared."""
    assert sets.defect(PIECE, b"x" * 7 + PACKED + b"y", "") == ""


@given(at=st.integers(0, len(PACKED) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(at: int, bit: int) -> None:
    """Wherever it is: either it does not open, or it is something else, or the file is the same byte for byte."""
    raw = bytearray(b"x" * 7 + PACKED)
    raw[7 + at] ^= 1 << bit

    try:
        harmless = bytes(lz4.frame.decompress(bytes(raw[7:]))) == PLAIN
    except RuntimeError:
        harmless = False

    assert harmless or sets.defect(PIECE, bytes(raw), "")


def test_a_file_in_clear_is_a_defect_where_there_is_a_key() -> None:
    """What is stored without encryption is readable by whoever gets hold of it."""
    assert "in clear" in sets.defect(PIECE, b"x" * 7 + PACKED, "secret")


def test_an_object_is_read_once_whoever_refers_to_it() -> None:
    """Two backups that share a bundle share what is in it."""
    other = replace(MANIFEST, label="later", pieces=(PIECE, replace(PIECE, path="alone")))

    assert [found.path for found in objects([MANIFEST, other])] == ["b/bundle/1", "alone"]


def test_all_is_read_when_it_is_small_and_a_sample_says_so() -> None:
    """The budget is kept, and a part is never reported as the whole."""
    there = [Stored(path=str(number), key="", pieces=(replace(PIECE, size=1 << 20),)) for number in range(9)]

    assert len(sample(there, budget=9 << 20, seed=1)) == 9
    assert sampled(there, there, 1) == ""
    some = sample(there, budget=4 << 20, seed=1)
    assert len(some) == 4
    assert "4 of 9 MiB by seed 1" in sampled(some, there, 1)


@pytest.mark.parametrize(
    ("kept", "looked", "outcome"),
    [
        (Kept(backup=BACKUP, manifest=MANIFEST), {PIECE.path: {}}, Outcome.PASS),
        (Kept(backup=BACKUP, manifest=MANIFEST), {PIECE.path: {PIECE: "rotten"}}, Outcome.FAIL),
        (Kept(backup=BACKUP, manifest=MANIFEST), {}, Outcome.NOT_REVIEWED),
        (Kept(backup=BACKUP, wrong="no manifest"), {}, Outcome.FAIL),
        (Kept(backup=replace(BACKUP, has_error=True), manifest=MANIFEST), {PIECE.path: {}}, Outcome.FAIL),
        (Kept(backup=BACKUP, manifest=replace(MANIFEST, problem="its copy differs")), {PIECE.path: {}}, Outcome.FAIL),
    ],
    ids=["whole", "one file", "not looked at", "no manifest", "made with errors", "two manifests"],
)
def test_a_backup_is_whole_or_is_not_counted_on(kept: Kept, looked: dict[str, dict[Piece, str]], outcome: Outcome) -> None:
    """One bad file is enough, and nothing seen is never green."""
    assert judge(kept, looked).outcome is outcome
