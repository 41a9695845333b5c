"""What every server of a stack says that it runs with."""

from __future__ import annotations

import concurrent.futures
import functools
from typing import TYPE_CHECKING, Final, TypeAlias

from constat.errors import Unobservable
from constat.observe.settings import broker, cache, coordinator, monitoring, objects, pooler, postgres, vault

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.settings import Settings, Table
    from constat.stack import Stack

    Ask: TypeAlias = Callable[[], Settings]

_AT_ONCE: Final = 8


def questions(stack: Stack) -> dict[str, Ask]:
    """How each subject is asked; each raises Unobservable when the server does not say."""
    return _of_database(stack) | _of_stores(stack) | _of_monitoring(stack)


def _of_database(stack: Stack) -> dict[str, Ask]:
    if (database := stack.postgres) is None:
        return {}
    servers: dict[str, Ask] = {
        f"database server {node.name}": functools.partial(postgres.server, database, node) for node in database.nodes
    }
    return servers | {
        "database followers": functools.partial(postgres.followers, database),
        "database cluster": functools.partial(postgres.cluster, stack),
        "database rights": functools.partial(postgres.rights, stack),
        "pooler": functools.partial(pooler.settings, database),
    }


def _of_stores(stack: Stack) -> dict[str, Ask]:
    found: dict[str, Ask] = {}
    if stack.coordinator is not None:
        found["coordinator"] = functools.partial(coordinator.settings, stack.coordinator)
    if stack.cache is not None:
        found["cache"] = functools.partial(cache.settings, stack.cache)
    if stack.broker is not None:
        found["broker"] = functools.partial(broker.settings, stack.broker)
    if stack.vault is not None:
        found["secret store"] = functools.partial(vault.settings, stack.vault)
    if stack.objects is not None:
        found["object store"] = functools.partial(objects.buckets, stack.objects)
    if stack.objects is not None and stack.local_processes:
        found["object store identities"] = functools.partial(objects.identities, stack)
    return found


def _of_monitoring(stack: Stack) -> dict[str, Ask]:
    if (metrics := stack.metrics) is None:
        return {}
    found: dict[str, Ask] = {"prometheus": functools.partial(monitoring.prometheus, metrics)}
    return found | ({"alertmanager": functools.partial(monitoring.alertmanager, metrics)} if metrics.alertmanager else {})


def observed(asked: dict[str, Ask]) -> tuple[Table, dict[str, str]]:
    """What each said, and why the others did not."""
    said: Table = {}
    silent: dict[str, str] = {}
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="settings") as pool:
        for subject, answer in zip(asked, pool.map(_answer, asked.values()), strict=True):
            if isinstance(answer, Unobservable):
                silent[subject] = str(answer)
            else:
                said[subject] = answer
    return said, silent


def _answer(ask: Ask) -> Settings | Unobservable:
    try:
        return ask()
    except Unobservable as problem:
        return problem
