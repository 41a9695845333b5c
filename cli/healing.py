"""Undo what a killed run has left on a stack: faults first, then mutants, or refuse loudly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.errors import TargetError
from mutants.catalogue import by_id
from provision.home import read_label, stack_directory
from provision.journal import Journal
from provision.provider import provider

if TYPE_CHECKING:
    from provision.progress import Progress


def heal(name: str, progress: Progress) -> None:
    """Undo every open entry of the stack's journal; TargetError when one cannot be undone."""
    directory = stack_directory(name)
    journal, label = Journal(directory), read_label(directory)
    if label is None or not journal.outstanding():
        return
    backend = provider(label.provider)
    for healed in backend.heal(name):
        progress.note(f"healed what a killed run left: {healed}")
    stack = backend.attach(name)
    for entry in journal.outstanding():
        if entry.kind != "mutant" or entry.what not in by_id():
            msg = f"stack {name!r} carries {entry.kind} {entry.what!r} on {entry.subject!r} that nobody can undo; run `constat down`"
            raise TargetError(msg)
        by_id()[entry.what].revert(stack, entry.state)
        journal.close(entry)
        progress.note(f"reverted mutant {entry.what} that a killed run left")
