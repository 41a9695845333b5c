"""The history of a ledger, from the moment when it is written to the day when it is judged again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from chaos import rows
from chaos.history import Mark, Told, read_history
from chaos.ledger import judge
from chaos.recording import Recording
from constat import entries
from constat.errors import UserError
from tests.chaos.worlds import TENANTS, steady

if TYPE_CHECKING:
    from pathlib import Path

    from constat.entries import Entry

WRITERS = {"drill-t1-0": "t1", "drill-t10-0": "t10"}


def recording(tmp_path: Path) -> Recording:
    """A fresh file."""
    return Recording(tmp_path / "history.jsonl", organizations=TENANTS, writers=WRITERS, pace=0.1)


def entry(writer: str = "drill-t1-0", seq: int = 0) -> Entry:
    """A row of that writer."""
    return entries.seal(TENANTS[WRITERS[writer]], writer=writer, seq=seq, previous_hash="")


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    """Each write comes back with what was said of it, and the marks with their moments."""
    file = recording(tmp_path)
    for seq, told in enumerate(Told):
        file.invoke(entry(seq=seq))
        file.answer(entry(seq=seq), told, server=5001 if told is Told.OK else None, reason="" if told is Told.OK else "08006 gone")
    file.invoke(entry("drill-t10-0"))
    moment = file.mark(Mark.COMMANDED)
    file.stall(0.2)
    file.close()

    history = read_history(file.path)

    assert history == file.so_far()
    assert [write.told for write in history.of("t1")] == [Told.OK, Told.FAIL, Told.UNKNOWN]
    assert history.of("t1")[0].server == 5001
    assert history.of("t10")[0].ended is None
    assert history.marks == {Mark.COMMANDED: moment}
    assert [stall.seconds for stall in history.stalls] == [0.2]
    assert history.clock_moved is not None


def test_a_write_without_an_answer_is_unknown(tmp_path: Path) -> None:
    """A write that is invoked and never answered is unknown, neither acknowledged nor refused."""
    file = recording(tmp_path)
    file.invoke(entry())

    (write,) = file.so_far().operations

    assert (write.told, write.acknowledged) == (Told.UNKNOWN, None)


def test_a_write_is_in_the_file_before_it_may_be_sent(tmp_path: Path) -> None:
    """Once `invoke` has returned, another process sees the write."""
    file = recording(tmp_path)
    file.invoke(entry(seq=7))

    assert '"seq":7' in (tmp_path / "history.jsonl").read_text().splitlines()[-1]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """The harness was killed while it wrote: what was written before counts, and the history says that it has no end."""
    file = recording(tmp_path)
    file.invoke(entry())
    with file.path.open("a") as torn:
        torn.write('{"event":"ok","at":1')

    history = read_history(file.path)

    assert len(history.operations) == 1
    assert history.ended is None


@pytest.mark.parametrize(
    "lines",
    [
        "",
        '{"event":"invoke"}\n',
        '{"event":"begin","format":99}\n',
        "not json\n{}\n",
    ],
    ids=["empty", "no beginning", "another format", "damaged"],
)
def test_what_is_no_history_is_refused(tmp_path: Path, lines: str) -> None:
    """A file that is not a whole history of this format is refused with its name."""
    path = tmp_path / "other.jsonl"
    path.write_text(lines)

    with pytest.raises(UserError, match=r"other\.jsonl"):
        read_history(path)


@pytest.mark.parametrize("event", ["invoke", "ok"])
def test_a_write_is_invoked_once_and_before_it_is_answered(tmp_path: Path, event: str) -> None:
    """A second invocation of the same number, or an answer to none, is no history: an unknown write must not be tried again."""
    file = recording(tmp_path)
    if event == "invoke":
        file.invoke(entry())
        file.invoke(entry())
    else:
        file.answer(entry(), Told.OK)

    with pytest.raises(UserError, match="twice, or answered without"):
        read_history(file.path)


def test_a_full_disk_makes_the_recording_say_so(tmp_path: Path) -> None:
    """When the file takes no more, the write is not sent and the instrument has a problem to report."""
    file = recording(tmp_path)
    os.close(file._descriptor)
    file._descriptor = os.open("/dev/full", os.O_WRONLY)

    with pytest.raises(OSError, match="No space left"):
        file.invoke(entry())

    assert "cannot be written: No space left" in file.problem
    os.close(file._descriptor)


def test_two_drills_do_not_share_a_file(tmp_path: Path) -> None:
    """A file that is there already is not added to."""
    recording(tmp_path)

    with pytest.raises(FileExistsError):
        recording(tmp_path)


def test_a_stored_drill_is_judged_again_from_its_files() -> None:
    """The rows survive the way into a file and back, so the judgement is the same."""
    world = steady()
    lost = frozenset({("drill-t1-0", 3)})
    found = world.rows(without=lost)

    assert judge(world.history, rows.parse(rows.text(found))) == judge(world.history, found)


def test_rows_that_are_none_are_refused() -> None:
    """A file with something else is not taken for an empty ledger."""
    with pytest.raises(UserError, match="no rows of a ledger"):
        rows.parse('{"writer": "a"}\n')
