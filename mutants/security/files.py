"""A mutant that is a change of one configuration file, and a reload."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.stack import Stack


def directory(stack: Stack, node: str) -> Path:
    """Where a node keeps its files; Unobservable when the stack guards none of them."""
    for guard in stack.guarded:
        path = Path(guard.path)
        if path.name == "key.pem" and path.parent.name == node:
            return path.parent
    msg = f"the stack guards no key of node {node!r}, so nobody knows where its files are"
    raise Unobservable(msg)


def edited(
    mutant_id: str,
    title: str,
    *,
    controls: tuple[str, ...],
    path: Callable[[Stack], Path],
    change: Callable[[str], str],
    reload: Callable[[Stack], None],
    holds: Callable[[Stack], bool],
) -> Mutant:
    """Make a mutant of an edit: `change` makes the defect, `holds` sees that the server has taken it up.

    Owner and mode of the file stay; its text goes into the journal before it is changed.
    """

    def prepared(stack: Stack) -> State:
        return {"text": path(stack).read_text("utf-8")}

    def planted(stack: Stack, state: State) -> None:
        changed = change(state["text"])
        if changed == state["text"]:
            msg = f"{str(path(stack))!r} has nothing to change; the template is another than mutant {mutant_id} knows"
            raise Unobservable(msg)
        rewrite(path(stack), changed)
        reload(stack)

    def reverted(stack: Stack, state: State) -> None:
        rewrite(path(stack), state["text"])
        reload(stack)

    def confirmed(stack: Stack, state: State) -> bool:
        return path(stack).read_text("utf-8") == change(state["text"]) and holds(stack)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=controls,
        prepare=prepared,
        plant=planted,
        confirm=confirmed,
        revert=reverted,
        # Gone for the server too, not only for the file.
        fingerprint=lambda stack: f"{holds(stack)}\n{path(stack).read_text('utf-8')}",
    )


def rewrite(path: Path, text: str) -> None:
    """Give a file another text in place; it is never empty meanwhile, which a server that watches it would take up."""
    with path.open("r+b") as stream:
        stream.write(text.encode())
        stream.truncate()
