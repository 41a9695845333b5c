"""Defects of the archive that no segment's own digest shows: records, histories, and a command that picks what it hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat import deadlines, wait
from constat.mutant import Mutant, Scope, State
from mutants.backups import archive, store

if TYPE_CHECKING:
    from constat.stack import Stack

_PAGE: Final = 8192
_HEADER: Final = 40  # of a segment's first page, the longest
_SKIP: Final = 'case "%f" in *.history) exit 0 ;; esac; '


def _altered(plain: bytes) -> bytes:
    """The same segment with 16 other bytes in the middle of its records; no page's header is touched, nor what follows a switch."""
    middle = len(plain.rstrip(b"\0")) // 2
    at = max(middle, middle // _PAGE * _PAGE + _HEADER)
    return plain[:at] + bytes(byte ^ 0xFF for byte in plain[at : at + 16]) + plain[at + 16 :]


def _rotten(stack: Stack) -> State:
    segment = store.victim(stack)
    return store.remember(stack, segment.path, archive.named(segment, _altered(archive.wal(stack, segment))))


def _rot(stack: Stack, state: State) -> None:
    original, other = state["paths"]
    segment = next(found for found in store.repository(stack).segments() if found.path == original)
    changed = _altered(archive.wal(stack, segment))
    store.overwrite(stack, other, store.encrypted(store.packed(segment, changed), store.repository(stack).archive_key))
    store.hide(stack, original)


def _end_of_backup(stack: Stack) -> State:
    """Of the oldest backup that is kept: the files of backups that are gone matter to nobody."""
    first = f"/{store.repository(stack).backups()[0].start.name}."
    archived = store.versions(stack, f"{store.root(stack)}/archive/")
    return store.remember(stack, next(v.path for v in archived if first in v.path and v.path.endswith(".backup")))


def _lose(stack: Stack, state: State) -> None:
    for path in state["paths"]:
        store.hide(stack, path)


def _is_lost(stack: Stack, state: State) -> bool:
    return all(any(v.is_marker for v in store.versions(stack, path) if v.path == path) for path in state["paths"])


def _of_a_copy(stack: Stack) -> State:
    """Where a copy of the cluster that was promoted would archive the history of its next timeline."""
    segment = store.repository(stack).segments()[-1]
    folder = segment.path.rsplit("/", 2)[0]
    return store.remember(stack, f"{folder}/{segment.place.timeline + 1:08X}.history") | {
        "line": f"{segment.place.timeline}\t0/1000000\tno\n"
    }


def _archive_history(stack: Stack, state: State) -> None:
    (path,) = state["paths"]
    store.overwrite(stack, path, store.encrypted(state["line"].encode(), store.repository(stack).archive_key))


def _is_archived(stack: Stack, state: State) -> bool:
    return {version.path for version in store.versions(stack, next(iter(state["paths"])))} == set(state["paths"])


def _of_the_primary(stack: Stack) -> State:
    state = archive.primary(stack)
    return state | {"command": archive.archive_command(stack, state["node"])}


def _pick(stack: Stack, state: State) -> None:
    with archive.server(stack, state["node"]) as operator:
        operator.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(sql.Literal(_SKIP + state["command"])))
        operator.execute("SELECT pg_reload_conf()")


def _picks(stack: Stack, state: State) -> bool:
    return _SKIP in archive.archive_command(stack, state["node"])


def _hand_over_all(stack: Stack, state: State) -> None:
    with archive.server(stack, state["node"]) as operator:
        operator.execute("ALTER SYSTEM RESET archive_command")
        operator.execute("SELECT pg_reload_conf()")
    wait.until(lambda: not _picks(stack, state), what="the archive command is back", within=deadlines.SERVICE_ANSWERS, holds=bool)


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-07",
        title="A segment rotted before it was archived: its digest is right, and its records are not",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_rotten,
        plant=_rot,
        confirm=archive.is_exchanged,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-08",
        title="The archive command hands over segments only: the files with which backups end are missing",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_end_of_backup,
        plant=_lose,
        confirm=_is_lost,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-09",
        title="A copy of the cluster was promoted and archives where production does",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_of_a_copy,
        plant=_archive_history,
        confirm=_is_archived,
        revert=store.put_back,
        fingerprint=lambda stack: f"{store.fingerprint(stack)}\n{[file.timeline for file in store.repository(stack).histories()]}",
    ),
    Mutant(
        id="MUT-BAK-10",
        title="The archive command leaves the histories of timelines out, which matters after the next failover",
        scope=Scope.COMPONENT,
        controls=("BAK-02",),
        prepare=_of_the_primary,
        plant=_pick,
        confirm=_picks,
        revert=_hand_over_all,
        fingerprint=archive.commands,
    ),
)
