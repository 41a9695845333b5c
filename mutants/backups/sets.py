"""Defects of base backups: a file of one of them is lost, or is not what was copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.mutant import Mutant, Scope, State
from constat.observe import sets
from constat.observe.archive import deciphered
from mutants.backups import store
from mutants.chaos import cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.sets import Piece
    from constat.stack import Stack


def _pieces(stack: Stack) -> Iterator[Piece]:
    """The files of the oldest backup, which no restore of the newest would touch."""
    found = store.repository(stack)
    yield from sets.manifest(found, found.backups()[0].label).pieces


def _bundled(stack: Stack) -> State:
    victim = max((piece for piece in _pieces(stack) if piece.stored), key=lambda piece: piece.stored)
    return store.remember(stack, victim.path) | {"at": victim.offset + victim.stored // 2}


def _zero(stack: Stack, state: State) -> None:
    (path,) = state["paths"]
    raw, at = store.fetch(stack, path), state["at"]
    store.overwrite(stack, path, raw[:at] + bytes(64) + raw[at + 64 :])


def _is_overwritten(stack: Stack, state: State) -> bool:
    return all({v.id for v in store.versions(stack, path) if v.path == path} - set(known) for path, known in state["paths"].items())


def _alone(stack: Stack) -> State:
    return store.remember(stack, next(piece.path for piece in _pieces(stack) if not piece.stored))


def _manifests(stack: Stack) -> State:
    found = store.repository(stack)
    path = f"{found.set_path(found.backups()[0].label)}/{sets.MANIFEST}"
    return store.remember(stack, path)


def _hide(stack: Stack, state: State) -> None:
    for path in state["paths"]:
        store.hide(stack, path)


def _newest(stack: Stack) -> State:
    """Its manifest and the copy, and the first table of the application's that is in it."""
    found = store.repository(stack)
    path = f"{found.set_path(found.backups()[-1].label)}/{sets.MANIFEST}"
    ((table,),) = cluster.ask(stack, "SELECT 'pg_data/' || pg_relation_filepath('public.activities')")
    return store.remember(stack, path, f"{path}.copy") | {"file": table}


def _leave_out(stack: Stack, state: State) -> None:
    for path in state["paths"]:
        lines = _text(stack, path).split("\n")
        kept = "\n".join(line for line in lines if not line.startswith(f"{state['file']}="))
        store.overwrite(stack, path, store.encrypted(kept.encode(), store.repository(stack).backup_key))


def _is_left_out(stack: Stack, state: State) -> bool:
    return all(f"\n{state['file']}=" not in _text(stack, path) for path in state["paths"])


def _text(stack: Stack, path: str) -> str:
    return deciphered(store.fetch(stack, path), store.repository(stack).backup_key, path).decode()


def _fingerprint(stack: Stack) -> str:
    """Beside what is always unusual: objects of base backups that are hidden."""
    top = f"{store.root(stack)}/backup/"
    own = (v for v in store.versions(stack, top) if "/pg_data/" in v.path or v.path.endswith(f"/{sets.MANIFEST}"))
    hidden = sorted({version.path for version in own if version.is_marker})
    return f"{store.fingerprint(stack)}\nhidden {hidden}"


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-15",
        title="The oldest backup has rotted: 64 bytes of a bundle are zeros",
        scope=Scope.STORE,
        controls=("BAK-03",),
        prepare=_bundled,
        plant=_zero,
        confirm=_is_overwritten,
        revert=store.put_back,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-BAK-16",
        title="A file of a backup was deleted from the store",
        scope=Scope.STORE,
        controls=("BAK-03",),
        prepare=_alone,
        plant=_hide,
        confirm=_is_overwritten,
        revert=store.put_back,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-BAK-17",
        title="A backup's manifest is lost, and only its copy is left",
        scope=Scope.STORE,
        controls=("BAK-03",),
        prepare=_manifests,
        plant=_hide,
        confirm=_is_overwritten,
        revert=store.put_back,
        fingerprint=_fingerprint,
    ),
    Mutant(
        id="MUT-BAK-25",
        title="The newest backup was made with a table left out: no manifest names its file",
        scope=Scope.STORE,
        controls=("BAK-03",),
        prepare=_newest,
        plant=_leave_out,
        confirm=_is_left_out,
        revert=store.put_back,
        fingerprint=_fingerprint,
    ),
)
