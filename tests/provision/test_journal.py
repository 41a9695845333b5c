"""The journal: what was opened and never closed is known after any crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from provision.journal import JOURNAL_FILE, Journal


def test_what_was_closed_is_not_outstanding(tmp_path: Path) -> None:
    """Opened and closed leaves nothing; opened alone is outstanding with its state."""
    journal = Journal(tmp_path)
    first, second = journal.open("fault", "kill", "postgres-1"), journal.open("mutant", "MUT-TEN-01", "database", {"policy": "x"})
    journal.close(first)

    assert Journal(tmp_path).outstanding() == (second,)


def test_the_newest_is_undone_first(tmp_path: Path) -> None:
    """Outstanding entries come newest first, the order in which they must be undone."""
    journal = Journal(tmp_path)
    opened = [journal.open("fault", "kill", name) for name in ("a", "b", "c")]

    assert journal.outstanding() == tuple(reversed(opened))


def test_an_empty_stack_has_none(tmp_path: Path) -> None:
    """Without a journal nothing is outstanding."""
    assert Journal(tmp_path).outstanding() == ()


@given(st.integers(min_value=1, max_value=400))
def test_a_torn_last_line_is_survived(cut: int) -> None:
    """A crash in the middle of a line loses that line only, and later entries are whole."""
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(Path(directory))
        kept = journal.open("fault", "kill", "a")
        journal.open("fault", "kill", "b")
        path = Path(directory) / JOURNAL_FILE
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(lines[0] + lines[1][: min(cut, len(lines[1]) - 2)])
        after = journal.open("fault", "freeze", "c")

        assert journal.outstanding() == (after, kept)
