"""Defects with which a restore is not what was promised: no key, no catalogue, a damaged copy, rows in no log."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from constat.mutant import Mutant, Scope, State
from constat.stack import STACK_FILE, Stack
from mutants.backups import store
from mutants.chaos import cluster, persistence

if TYPE_CHECKING:
    from collections.abc import Callable

_STALE: Final = "stale-"
_NOTES: Final = "public.mutant_notes"
_NOTES_ARE_THERE: Final = f"SELECT to_regclass('{_NOTES}') IS NOT NULL"


def _keep_old_key(stack: Stack, state: State) -> None:
    """Let the copy in escrow be of another key than the repository's."""
    del state
    _rewrite(stack, lambda key: key if key.startswith(_STALE) else _STALE + key)


def _is_key_old(stack: Stack, state: State) -> bool:
    del state
    return store.parts(Stack.load(stack.run_dir))[0].cipher_pass.startswith(_STALE)


def _keep_right_key(stack: Stack, state: State) -> None:
    del state
    _rewrite(stack, lambda key: key.removeprefix(_STALE))


def _rewrite(stack: Stack, change: Callable[[str], str]) -> None:
    """Change the key in the stack's handle, which is where the harness keeps the escrow copy."""
    path, kept = Path(stack.run_dir) / STACK_FILE, Stack.load(stack.run_dir)
    backups, _ = store.parts(kept)
    changed = dataclasses.replace(kept, backups=dataclasses.replace(backups, cipher_pass=change(backups.cipher_pass)))
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(changed.to_document(), file, indent=1)
    part.replace(path)


def _handle(stack: Stack) -> str:
    return (Path(stack.run_dir) / STACK_FILE).read_text("utf-8")


def _catalogue(stack: Stack) -> State:
    backups, _ = store.parts(stack)
    path = f"{store.root(stack)}/backup/{backups.stanza}/backup.info"
    return store.remember(stack, path, f"{path}.copy")


def _lose(stack: Stack, state: State) -> None:
    for path in state["paths"]:
        store.hide(stack, path)


def _is_lost(stack: Stack, state: State) -> bool:
    return all(any(v.is_marker for v in store.versions(stack, path) if v.path == path) for path in state["paths"])


def _bundle(stack: Stack) -> State:
    backups, _ = store.parts(stack)
    newest = store.repository(stack).backups()[-1]
    return store.remember(stack, f"{store.root(stack)}/backup/{backups.stanza}/{newest.label}/bundle/1")


def _damage(stack: Stack, state: State) -> None:
    (path,) = state["paths"]
    raw = store.fetch(stack, path)
    middle = len(raw) // 2
    store.overwrite(stack, path, raw[:middle] + bytes(byte ^ 0xFF for byte in raw[middle : middle + 4096]) + raw[middle + 4096 :])


def _is_damaged(stack: Stack, state: State) -> bool:
    return any({v.id for v in store.versions(stack, path)} - set(known) for path, known in state["paths"].items())


def _beside(stack: Stack, statement: str) -> list[tuple[Any, ...]]:
    """Ask the database that no service uses."""
    with psycopg.connect(make_conninfo(cluster.database(stack).admin_dsn, dbname="postgres"), autocommit=True) as operator:
        done = operator.execute(statement.encode())
        return done.fetchall() if done.description else []


def _note_beside(stack: Stack, state: State) -> None:
    del state
    _beside(stack, f"CREATE UNLOGGED TABLE IF NOT EXISTS {_NOTES} AS SELECT 'rotate the keys in March' AS note")


def _is_noted_beside(stack: Stack, state: State) -> bool:
    del state
    return _beside(stack, _NOTES_ARE_THERE) == [(True,)]


def _forget_beside(stack: Stack, state: State) -> None:
    del state
    _beside(stack, f"DROP TABLE IF EXISTS {_NOTES}")


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-11",
        title="The key in escrow is an old one",
        scope=Scope.STACK,
        controls=("BAK-01", "BAK-02"),
        plant=_keep_old_key,
        confirm=_is_key_old,
        revert=_keep_right_key,
        fingerprint=_handle,
    ),
    Mutant(
        id="MUT-BAK-12",
        title="The list of backups is lost",
        scope=Scope.STORE,
        controls=("BAK-01", "BAK-02"),
        prepare=_catalogue,
        plant=_lose,
        confirm=_is_lost,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-13",
        title="The newest base backup is damaged",
        scope=Scope.STORE,
        controls=("BAK-01",),
        prepare=_bundle,
        plant=_damage,
        confirm=_is_damaged,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-14",
        title="A table was made unlogged to write faster, so no restore has its rows",
        scope=Scope.DATABASE,
        controls=("BAK-01",),
        plant=persistence.unlog,
        confirm=persistence.is_unlogged,
        revert=persistence.log,
        fingerprint=persistence.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-34",
        title="The key in escrow is an old one on the day of the accident",
        scope=Scope.STACK,
        controls=("BAK-07",),
        plant=_keep_old_key,
        confirm=_is_key_old,
        revert=_keep_right_key,
        fingerprint=_handle,
    ),
    Mutant(
        id="MUT-BAK-26",
        title="A table of the maintenance database is unlogged, so no restore has its rows",
        scope=Scope.DATABASE,
        controls=("BAK-01",),
        plant=_note_beside,
        confirm=_is_noted_beside,
        revert=_forget_beside,
        fingerprint=lambda stack: f"{_beside(stack, _NOTES_ARE_THERE)}\n{cluster.standing(stack)}",
    ),
)
