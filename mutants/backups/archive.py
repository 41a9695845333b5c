"""Defects of the archive: segments that never get there, or that are not what they should be."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from constat import deadlines, wait
from constat.errors import NotReady
from constat.mutant import Mutant, Scope, State
from constat.observe import replication
from mutants.backups import store
from mutants.chaos import cluster

if TYPE_CHECKING:
    from pathlib import Path

    from constat.observe.archive import Segment
    from constat.stack import Stack

# Where the segments go that the platform believes to be archived; below the node's directory.
_ASIDE: Final = "tmp/not-archived"


def primary(stack: Stack) -> State:
    """Which node is the primary now."""
    return {"node": replication.primary(cluster.database(stack)).node}


def _divert(stack: Stack, state: State) -> None:
    """Let the archive command succeed and store nothing in the repository."""
    aside = _aside(stack, state["node"])
    owner = aside.parent.stat()
    aside.mkdir(mode=0o700, exist_ok=True)
    os.chown(aside, owner.st_uid, owner.st_gid)
    with server(stack, state["node"]) as operator:
        command = sql.Literal(f'cp "%p" "{aside}/%f"')
        operator.execute(sql.SQL("ALTER SYSTEM SET archive_command = {}").format(command))
        operator.execute("SELECT pg_reload_conf()")


def _is_diverted(stack: Stack, state: State) -> bool:
    return _ASIDE in archive_command(stack, state["node"])


def _archive_after_all(stack: Stack, state: State) -> None:
    with server(stack, state["node"]) as operator:
        operator.execute("ALTER SYSTEM RESET archive_command")
        operator.execute("SELECT pg_reload_conf()")
    wait.until(lambda: not _is_diverted(stack, state), what="the archive command is back", within=deadlines.SERVICE_ANSWERS, holds=bool)
    aside = _aside(stack, state["node"])
    for path in sorted(aside.iterdir()) if aside.exists() else ():
        push(archive_command(stack, state["node"]), path)
    shutil.rmtree(aside, ignore_errors=True)


def push(command: str, path: Path) -> None:
    """Hand one segment over, by the platform's own command and as the server's own user."""
    owner = path.parent.stat()
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("%p", str(path)).replace("%f", path.name)],
        cwd=path.parent,
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "HOME": str(path.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=deadlines.WAL_ARCHIVED,
    )
    if done.returncode != 0:
        msg = f"segment {path.name} is not archived after all: {(done.stdout + done.stderr).strip()}"
        raise NotReady(msg)


def commands(stack: Stack) -> str:
    """Every server's archive command, and what is unusual in the repository."""
    names = [node.name for node in cluster.database(stack).nodes]
    seen = {name: (archive_command(stack, name), _aside(stack, name).exists()) for name in names}
    return f"{seen}\n{store.fingerprint(stack)}"


def _aside(stack: Stack, node: str) -> Path:
    return cluster.configuration(stack, node).parent / _ASIDE


def archive_command(stack: Stack, node: str) -> str:
    """The archive command of one server."""
    with server(stack, node) as operator:
        row = operator.execute("SHOW archive_command").fetchone()
    return str(row[0]) if row else ""


def server(stack: Stack, node: str) -> psycopg.Connection[tuple[Any, ...]]:
    """The superuser's session on one server."""
    postgres = cluster.database(stack)
    found = next(found for found in postgres.nodes if found.name == node)
    return psycopg.connect(replication.node_dsn(postgres, found), autocommit=True)


def _needed(stack: Stack) -> State:
    return store.remember(stack, store.victim(stack).path)


def _the_path(state: State) -> str:
    (path,) = state["paths"]
    return str(path)


def _delete(stack: Stack, state: State) -> None:
    store.hide(stack, _the_path(state))


def _is_deleted(stack: Stack, state: State) -> bool:
    return _the_path(state) not in {segment.path for segment in store.repository(stack).segments()}


def _damage(stack: Stack, state: State) -> None:
    raw = store.fetch(stack, _the_path(state))
    middle = len(raw) // 2
    store.overwrite(stack, _the_path(state), raw[:middle] + bytes(byte ^ 0xFF for byte in raw[middle : middle + 64]) + raw[middle + 64 :])


def _bare(stack: Stack, state: State) -> None:
    segment = _segment(stack, _the_path(state))
    store.overwrite(stack, segment.path, store.packed(segment, wal(stack, segment)))


def _is_bare(stack: Stack, state: State) -> bool:
    return not store.fetch(stack, _the_path(state)).startswith(b"Salted__")


def _is_overwritten(stack: Stack, state: State) -> bool:
    return bool({version.id for version in store.versions(stack, _the_path(state))} - set(state["paths"][_the_path(state)]))


def _foreign(stack: Stack) -> State:
    """The segment, and the place of the one that will stand for it: its name says what is in it."""
    segment = store.victim(stack)
    return store.remember(stack, segment.path, named(segment, _of_another_cluster(wal(stack, segment))))


def _exchange(stack: Stack, state: State) -> None:
    original, other = state["paths"]
    segment = _segment(stack, original)
    foreign = _of_another_cluster(wal(stack, segment))
    store.overwrite(stack, other, store.encrypted(store.packed(segment, foreign), store.repository(stack).archive_key))
    store.hide(stack, original)


def is_exchanged(stack: Stack, state: State) -> bool:
    """Whether one segment is listed in the place of another."""
    original, other = state["paths"]
    listed = {segment.path for segment in store.repository(stack).segments()}
    return other in listed and original not in listed


def _of_another_cluster(plain: bytes) -> bytes:
    return plain[:24] + bytes(byte ^ 0x55 for byte in plain[24:32]) + plain[32:]


def named(segment: Segment, plain: bytes) -> str:
    """The path under which a segment with that content would be archived."""
    return segment.path.replace(segment.digest, hashlib.sha1(plain, usedforsecurity=False).hexdigest())


def _segment(stack: Stack, path: str) -> Segment:
    return next(segment for segment in store.repository(stack).segments() if segment.path == path)


def wal(stack: Stack, segment: Segment) -> bytes:
    """What is in a segment."""
    found = store.repository(stack)
    return found.opened(segment, found.raw(segment))


def _with_another(stack: Stack) -> State:
    """Two segments: the one that goes, and the one that takes its name."""
    segment = store.victim(stack)
    other = next(found for found in reversed(store.repository(stack).segments()) if found.place != segment.place)
    return store.remember(stack, segment.path, segment.path.replace(segment.digest, other.digest)) | {"other": other.path}


def _misname(stack: Stack, state: State) -> None:
    original, misnamed = state["paths"]
    store.overwrite(stack, misnamed, store.fetch(stack, state["other"]))
    store.hide(stack, original)


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-01",
        title="The archive command succeeds and stores nothing in the repository",
        scope=Scope.COMPONENT,
        controls=("BAK-01", "BAK-02", "BAK-06"),
        prepare=primary,
        plant=_divert,
        confirm=_is_diverted,
        revert=_archive_after_all,
        fingerprint=commands,
    ),
    Mutant(
        id="MUT-BAK-02",
        title="A segment in the middle of the archive was deleted",
        scope=Scope.STORE,
        controls=("BAK-01", "BAK-02", "BAK-05"),
        prepare=_needed,
        plant=_delete,
        confirm=_is_deleted,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-03",
        title="A segment in the archive has rotted: 64 of its bytes are others",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_needed,
        plant=_damage,
        confirm=_is_overwritten,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-04",
        title="A segment was archived in clear",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_needed,
        plant=_bare,
        confirm=_is_bare,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-05",
        title="Two clusters archive to one place: a segment is another cluster's",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_foreign,
        plant=_exchange,
        confirm=is_exchanged,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
    Mutant(
        id="MUT-BAK-06",
        title="A segment's name holds another segment's content",
        scope=Scope.STORE,
        controls=("BAK-02",),
        prepare=_with_another,
        plant=_misname,
        confirm=is_exchanged,
        revert=store.put_back,
        fingerprint=store.fingerprint,
    ),
)
