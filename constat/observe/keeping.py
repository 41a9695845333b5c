"""Facts of how backups are kept and made: what the bucket allows, and how the schedule goes."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from minio.commonconfig import ENABLED
from minio.error import S3Error

from constat.errors import Unobservable
from constat.observe import objects
from constat.observe.archive import Absent

if TYPE_CHECKING:
    from minio import Minio
    from minio.lifecycleconfig import Rule as LifecycleRule

    from constat.stack import Backups, Objects

STATE: Final = "schedule.json"  # beside the tool's configuration, where the scheduler writes how it goes
_MANIFEST: Final = "/backup.manifest"
_DAYS: Final = {"Days": 1, "Years": 365}
_NO_LOCK: Final = frozenset({"ObjectLockConfigurationNotFoundError", "NotImplemented", "NoSuchObjectLockConfiguration"})
_NO_RULES: Final = frozenset({"NoSuchLifecycleConfiguration", "NotImplemented"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A lifecycle rule that is in force: after how many days it removes what is current, and what no longer is; None: never."""

    name: str
    prefix: str
    days: float | None
    noncurrent_days: float | None = None


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """What the store does with what is in the repository's bucket."""

    root: str  # what every object of the repository begins with
    is_versioned: bool
    locked_days: int  # 0: not at all
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One kind of backup, as the scheduler says; times are UTC."""

    kind: str
    last_success: datetime.datetime | None
    next_run: datetime.datetime | None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What the scheduler has written, and when."""

    written: str
    runs: tuple[Run, ...]


def bucket(backups: Backups, store: Objects) -> Bucket:
    """Ask the store as its administrator; Unobservable when it does not say."""
    client = objects.connect(store, store.admin)
    try:
        return Bucket(
            root=urlsplit(backups.repository).path.strip("/") + "/",
            is_versioned=client.get_bucket_versioning(backups.bucket).status == ENABLED,
            locked_days=_locked_days(client, backups.bucket),
            rules=_rules(client, backups.bucket),
        )
    except objects.REFUSED as problem:
        msg = f"bucket {backups.bucket!r} does not say how it keeps objects: {problem}"
        raise Unobservable(msg) from None


def _locked_days(client: Minio, name: str) -> int:
    try:
        lock = client.get_object_lock_config(name)
    except TypeError:
        return 0  # the SDK's answer to a lock without a default, which keeps nothing by itself
    except S3Error as problem:
        if problem.code in _NO_LOCK:
            return 0
        raise
    return int(lock.duration or 0) * _DAYS.get(str(lock.duration_unit), 0) if lock.mode else 0


def _rules(client: Minio, name: str) -> tuple[Rule, ...]:
    try:
        found = client.get_bucket_lifecycle(name)
    except S3Error as problem:
        if problem.code in _NO_RULES:
            return ()
        raise
    return tuple(_rule(rule) for rule in (found.rules if found else ()) if rule.status == ENABLED)


def _rule(rule: LifecycleRule) -> Rule:
    """A rule as it acts; one that keeps so many versions at least, whatever their age, removes the others at once."""
    expiry, older = rule.expiration, rule.noncurrent_version_expiration
    both = rule.rule_filter.and_operator if rule.rule_filter else None
    return Rule(
        name=str(rule.rule_id or "without a name"),
        prefix=str((rule.rule_filter.prefix if rule.rule_filter else "") or (both.prefix if both else "") or ""),
        days=(0.0 if expiry.date else expiry.days) if expiry else None,
        noncurrent_days=float(older.noncurrent_days or 0) if older else None,
    )


def first_backup(backups: Backups, store: Objects) -> float:
    """When the first backup was made that the store remembers, deleted ones included; seconds since 1970.

    Raises Absent where there never was one, Unobservable when the store does not say.
    """
    client, prefix = objects.connect(store, store.admin), f"{urlsplit(backups.repository).path.strip('/')}/backup/{backups.stanza}/"
    try:
        listed = client.list_objects(backups.bucket, prefix=prefix, recursive=True, include_version=True)
        made: list[float] = [v.last_modified.timestamp() for v in listed if str(v.object_name).endswith(_MANIFEST) and v.last_modified]
    except objects.REFUSED as problem:
        msg = f"bucket {backups.bucket!r} does not list the versions below {prefix!r}: {problem}"
        raise Unobservable(msg) from None
    if not made:
        msg = f"the store remembers no backup below {prefix!r}"
        raise Absent(msg)
    return min(made)


def schedule(backups: Backups) -> Schedule | None:
    """What the scheduler has written beside the tool's configuration; None where there is no such scheduler."""
    path = Path(backups.config).with_name(STATE)
    if not path.exists():
        return None
    try:
        said = json.loads(path.read_text("utf-8"))
        runs = (Run(kind=kind, last_success=_time(r["last_success"]), next_run=_time(r["next_run"])) for kind, r in said["kinds"].items())
        return Schedule(written=str(said["written"]), runs=tuple(runs))
    except (OSError, ValueError, KeyError) as problem:
        msg = f"the scheduler's state {str(path)!r} cannot be read: {problem}"
        raise Unobservable(msg) from None


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
