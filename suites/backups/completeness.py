"""Whether a base backup holds every file that the cluster had when it began: what no manifest names, no restore brings back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.attempt import clip
from constat.judgement import Judgement
from constat.observe import sets, storage
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.observe.archive import Repository
    from constat.observe.sets import Manifest
    from constat.observe.storage import Checkpoint, Stored

_HOME: Final = "pg_data/"
_CONTROL: Final = "global/pg_control"
_LABEL: Final = "backup_label"
# Without one of these there is no cluster, whenever it was copied.
_ALWAYS: Final = ("PG_VERSION", _CONTROL, "global/pg_filenode.map", _LABEL, "pg_xact/", "pg_multixact/offsets/", "pg_multixact/members/")
_START: Final = re.compile(r"^START WAL LOCATION: (?P<high>[0-9A-F]+)/(?P<low>[0-9A-F]+) ", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Began:
    """Where a recovery from a backup begins, and the last checkpoint that its copy of the control file knows."""

    start: int
    checkpoint: Checkpoint


def began(repository: Repository, manifest: Manifest) -> Began | None:
    """Read both from the backup; None where it has not both, which is a defect of its own."""
    control, label = (sets.content(repository, manifest, f"{_HOME}{name}") for name in (_CONTROL, _LABEL))
    found = _START.search(label.decode(errors="replace")) if label else None
    if control is None or found is None:
        return None
    return Began(start=(int(found["high"], 16) << 32) + int(found["low"], 16), checkpoint=storage.checkpoint(control))


def judge(manifest: Manifest, there: Iterable[Stored], began: Began | None) -> Judgement:
    """FAIL for each file that was there when the backup began and that its manifest does not name; a pure function.

    A relation's age is told by transactions, and the backup's by its control file, unless a checkpoint was made
    while it was copied.
    """
    wanted = [found for found in there if began and began.checkpoint.redo == began.start and began.checkpoint.is_after(found.since)]
    absent = [name for name in _ALWAYS if not any(_is(name, known) for known in manifest.names)]
    absent += [f"{found.path} ({found.what})" for found in wanted if _full(found.path) not in manifest.names]
    compared = f"{len(wanted)} files of relations and databases that were there before it are in it"
    return Judgement(
        subject=f"files of backup {manifest.label}",
        outcome=Outcome.FAIL if absent else Outcome.PASS,
        reason=f"no restore brings back {clip(', '.join(absent[:8]))}"
        if absent
        else compared
        if wanted
        else "what makes a cluster is in it; its relations are not compared, for a checkpoint was made meanwhile",
        expected=[],
        observed=absent,
    )


def _full(path: str) -> str:
    return path if path.startswith("pg_tblspc/") else f"{_HOME}{path}"


def _is(wanted: str, known: str) -> bool:
    return known.startswith(f"{_HOME}{wanted}") if wanted.endswith("/") else known == f"{_HOME}{wanted}"
