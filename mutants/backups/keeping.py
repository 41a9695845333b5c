"""Defects of the promise: backups expire too early, are not made, or WAL stays on the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
from minio.commonconfig import ENABLED, GOVERNANCE, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule
from minio.objectlockconfig import DAYS, ObjectLockConfig

from constat.mutant import Mutant, Scope, State
from constat.observe import keeping, objects, orders
from mutants.backups import store
from mutants.chaos import cluster
from mutants.security.files import edited

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from minio import Minio

    from constat.stack import Stack

_RULE: Final = "cleaning"
_FULL: Final = "repo1-retention-full="


def _client(stack: Stack) -> tuple[Minio, str]:
    backups, place = store.parts(stack)
    return objects.connect(place, place.admin), backups.bucket


def _bucket(stack: Stack) -> keeping.Bucket:
    return keeping.bucket(*store.parts(stack))


def _lock(days: Callable[[State], int]) -> Callable[[Stack, State], None]:
    def act(stack: Stack, state: State) -> None:
        client, name = _client(stack)
        client.set_object_lock_config(name, ObjectLockConfig(GOVERNANCE, days(state), DAYS))

    return act


def _expire(stack: Stack, state: State) -> None:
    del state
    client, name = _client(stack)
    rule = Rule(ENABLED, rule_filter=Filter(prefix=f"{store.root(stack)}/"), rule_id=_RULE, expiration=Expiration(days=1))
    client.set_bucket_lifecycle(name, LifecycleConfig([rule]))


def _forget(stack: Stack, state: State) -> None:
    """The rule with which a bucket that keeps versions is usually cleaned up."""
    del state
    client, name = _client(stack)
    older = NoncurrentVersionExpiration(noncurrent_days=1)
    client.set_bucket_lifecycle(
        name, LifecycleConfig([Rule(ENABLED, rule_filter=Filter(prefix=""), rule_id=_RULE, noncurrent_version_expiration=older)])
    )


def _keep(stack: Stack, state: State) -> None:
    del state
    client, name = _client(stack)
    client.delete_bucket_lifecycle(name)


def _configuration(stack: Stack) -> Path:
    return Path(store.parts(stack)[0].config)


def _read_at_each_run(stack: Stack) -> None:
    """Nothing to do: the tool reads its configuration whenever it is called."""
    del stack


def _said(stack: Stack) -> Mapping[str, str]:
    return orders.scheduled(store.parts(stack)[0], is_local=False).options


def _is_full_short(stack: Stack) -> bool:
    return _said(stack).get("repo1-retention-full") == "1"


def _is_wal_short(stack: Stack) -> bool:
    return _said(stack).get("repo1-retention-archive") == "1"


def _wait_for_ever(stack: Stack, state: State) -> None:
    del state
    cluster.set_settings(stack, {"postgresql": {"parameters": {"archive_timeout": 0}}})


def _parameter(stack: Stack) -> Any:
    return cluster.settings(stack)["postgresql"]["parameters"].get("archive_timeout")


def _waits_for_ever(stack: Stack, state: State) -> bool:
    del state
    return cluster.ask(stack, "SELECT setting FROM pg_settings WHERE name = 'archive_timeout'") == [("0",)]


def _hand_over_in_time(stack: Stack, state: State) -> None:
    cluster.set_settings(stack, {"postgresql": {"parameters": {"archive_timeout": state["archive_timeout"]}}})


def _scheduler(stack: Stack) -> list[psutil.Process]:
    home = _configuration(stack).parent
    return [process for process in psutil.process_iter() if _works_in(process, home)]


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        return Path(process.cwd()) == home
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _stop(stack: Stack, state: State) -> None:
    del state
    for process in _scheduler(stack):
        process.suspend()


def _go_on(stack: Stack, state: State) -> None:
    del state
    for process in _scheduler(stack):
        process.resume()


def _states(stack: Stack) -> list[str]:
    return sorted("stopped" if process.status() == psutil.STATUS_STOPPED else "going" for process in _scheduler(stack))


MUTANTS: Final = (
    Mutant(
        id="MUT-BAK-18",
        title="The object lock of the repository keeps backups for a day",
        scope=Scope.STORE,
        controls=("BAK-04",),
        prepare=lambda stack: {"days": _bucket(stack).locked_days},
        plant=_lock(lambda _state: 1),
        confirm=lambda stack, _state: _bucket(stack).locked_days == 1,
        revert=_lock(lambda state: int(state["days"])),
        fingerprint=lambda stack: str(_bucket(stack)),
    ),
    Mutant(
        id="MUT-BAK-19",
        title="A lifecycle rule cleans the repository up after a day",
        scope=Scope.STORE,
        controls=("BAK-04",),
        plant=_expire,
        confirm=lambda stack, _state: bool(_bucket(stack).rules),
        revert=_keep,
        fingerprint=lambda stack: str(_bucket(stack)),
    ),
    Mutant(
        id="MUT-BAK-24",
        title="A lifecycle rule removes versions a day after they were overwritten or deleted",
        scope=Scope.STORE,
        controls=("BAK-04",),
        plant=_forget,
        confirm=lambda stack, _state: any(rule.noncurrent_days == 1 for rule in _bucket(stack).rules),
        revert=_keep,
        fingerprint=lambda stack: str(_bucket(stack)),
    ),
    edited(
        "MUT-BAK-20",
        "The backup tool keeps one full backup, to save room",
        controls=("BAK-04",),
        path=_configuration,
        change=lambda text: "\n".join(f"{_FULL}1" if line.startswith(_FULL) else line for line in text.split("\n")),
        reload=_read_at_each_run,
        holds=_is_full_short,
    ),
    edited(
        "MUT-BAK-21",
        "The backup tool keeps the WAL of one backup only, so of the others nothing but their own moment comes back",
        controls=("BAK-04",),
        path=_configuration,
        change=lambda text: text.replace(_FULL, f"repo1-retention-archive=1\n{_FULL}"),
        reload=_read_at_each_run,
        holds=_is_wal_short,
    ),
    Mutant(
        id="MUT-BAK-22",
        title="The scheduler hangs, so no backup follows",
        scope=Scope.COMPONENT,
        controls=("BAK-04",),
        plant=_stop,
        confirm=lambda stack, _state: set(_states(stack)) == {"stopped"},
        revert=_go_on,
        fingerprint=lambda stack: " ".join(_states(stack)),
    ),
    Mutant(
        id="MUT-BAK-23",
        title="A segment that is not full is never archived, so a quiet hour is lost with the server",
        scope=Scope.STACK,
        controls=("BAK-04",),
        prepare=lambda stack: {"archive_timeout": _parameter(stack)},
        plant=_wait_for_ever,
        confirm=_waits_for_ever,
        revert=_hand_over_in_time,
        fingerprint=cluster.standing,
    ),
)
