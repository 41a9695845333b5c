"""Defects with which some moments of the retention cannot be restored to, though every backup that is left is good."""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from minio.deleteobjects import DeleteObject

from constat import deadlines
from constat.errors import NotReady
from constat.mutant import Mutant, Scope, State
from mutants.backups import store

if TYPE_CHECKING:
    from constat.stack import Stack

_TOOL: Final = "/usr/bin/pgbackrest"


def _known(stack: Stack) -> State:
    """The oldest backup, and every version of every backup that there is."""
    top = f"{store.root(stack)}/backup/"
    return {"label": store.repository(stack).backups()[0].label, "versions": [v.id for v in store.versions(stack, top)]}


def _expire(stack: Stack, state: State) -> None:
    """Make a full backup, then expire the one before it, by the tool's own commands."""
    _run(stack, "--type=full", "backup")
    _run(stack, f"--set={state['label']}", "expire")


def _is_expired(stack: Stack, state: State) -> bool:
    return state["label"] not in {backup.label for backup in store.repository(stack).backups()}


def _bring_back(stack: Stack, state: State) -> None:
    """Remove what was written below `backup/` since, and every mark of deletion in the whole repository: it keeps versions."""
    top = store.root(stack)
    known = set(state["versions"])
    new = [v for v in store.versions(stack, f"{top}/backup/") if v.id not in known]
    marks = [v for v in store.versions(stack, f"{top}/archive/") if v.is_marker]
    store.remove(stack, [DeleteObject(v.path, v.id) for v in (*new, *marks)])


def _run(stack: Stack, *words: str) -> None:
    backups, _ = store.parts(stack)
    owner, home = pwd.getpwnam(backups.user), str(Path(backups.config).parent)
    done = subprocess.run(
        [_TOOL, f"--config={backups.config}", f"--stanza={backups.stanza}", *words],
        user=owner.pw_uid,
        group=owner.pw_gid,
        extra_groups=[],
        env={"PATH": "/usr/bin:/bin", "HOME": home},  # the login's password is there
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=deadlines.RESTORE_DONE,
    )
    if done.returncode != 0:
        msg = f"the backup tool does not do {words[-1]!r}: {(done.stdout + done.stderr).strip()}"
        raise NotReady(msg)


def _fingerprint(stack: Stack) -> str:
    labels = [backup.label for backup in store.repository(stack).backups()]
    hidden = sorted(v.path for v in store.versions(stack, f"{store.root(stack)}/") if v.is_marker)
    return f"{labels}\nhidden {hidden}\n{store.fingerprint(stack)}"


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-32",
        title="An operator expired a backup before its time: every moment before the next one is gone",
        scope=Scope.STORE,
        controls=("BAK-05",),
        prepare=_known,
        plant=_expire,
        confirm=_is_expired,
        revert=_bring_back,
        fingerprint=_fingerprint,
    ),
)
