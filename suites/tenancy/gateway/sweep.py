"""Take away everything that bears a canary of a run, wherever an attack may have put it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from psycopg import sql

from constat.observe import cache, objects, queues
from suites.tenancy.gateway.oracle import connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

    from constat.stack import Stack
    from suites.tenancy.gateway.oracle import Row
    from suites.tenancy.gateway.resident import Resident

_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relname <> 'schema_migrations' ORDER BY c.oid DESC"""


def remove(stack: Stack, residents: Iterable[Resident]) -> None:
    """Rows, objects with their versions, listings and events of these residents' run; raises when a store refuses."""
    everybody = tuple(residents)
    with contextlib.closing(connect(stack.postgres)) as oracle:
        made = _ids(oracle, everybody)
        _rows(oracle, everybody)
    marks = {mark for resident in everybody for mark in (resident.canary, *resident.places.values())} | made
    with contextlib.ExitStack() as stores:  # each store, also when another does not answer
        stores.callback(_events, stack, marks)
        stores.callback(_values, stack, marks)
        for resident in everybody:
            stores.callback(_objects, stack, resident.tenant, marks)


def _ids(oracle: psycopg.Connection[Row], residents: tuple[Resident, ...]) -> set[str]:
    """The ids of every row that bears a canary: objects and events are called by them."""
    found = set()
    for schema, table in oracle.execute(_TABLES).fetchall():
        for resident in residents:
            query = sql.SQL("SELECT to_jsonb(r) ->> 'id' FROM {} AS r WHERE r::text ~ %s").format(sql.Identifier(str(schema), str(table)))
            found |= {str(row[0]) for row in oracle.execute(query, [said_by(resident)]).fetchall() if row[0]}
    return found


def _rows(oracle: psycopg.Connection[Row], residents: tuple[Resident, ...]) -> None:
    for schema, table in oracle.execute(_TABLES).fetchall():
        for resident in residents:
            delete = sql.SQL("DELETE FROM {} AS r WHERE r::text ~ %s").format(sql.Identifier(str(schema), str(table)))
            oracle.execute(delete, [said_by(resident)])


def said_by(resident: Resident) -> str:
    """A pattern for whatever the resident has said: its canary and its handles, which are plain letters and digits."""
    return "|".join([resident.canary, *resident.handles.values()])


def _objects(stack: Stack, tenant: str, marks: set[str]) -> None:
    """The store keeps versions of what was deleted; nobody else made these."""
    if (store := stack.objects) is None:
        return
    client = objects.connect(store, store.admin)
    for bucket in store.buckets:
        for item in objects.stored(store, bucket, f"{tenant}/"):
            if any(mark in item.key for mark in marks):
                client.remove_object(bucket, item.key, version_id=item.version)


def _events(stack: Stack, marks: set[str]) -> None:
    """What was published of it, wherever it waits."""
    for queue in queues.queues(stack.broker) if stack.broker else ():
        if queue.messages and stack.broker:
            queues.drop(stack.broker, queue, tuple(marks))


def _values(stack: Stack, marks: set[str]) -> None:
    """What services have kept of it in the cache."""
    if stack.cache is None:
        return
    with contextlib.closing(cache.connect(stack.cache, decode=False)) as memory:
        for name in list(memory.scan_iter(count=1000, _type="string")):
            value = name + (memory.get(name) or b"")
            if any(mark.encode() in value for mark in marks):
                memory.unlink(name)
