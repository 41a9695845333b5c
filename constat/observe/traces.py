"""Where a word has left a trace: every store is searched with full rights, whatever is supposed to be in it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import psycopg
import redis.exceptions
from psycopg import sql
from psycopg.conninfo import make_conninfo

from constat.errors import Unobservable
from constat.observe import broker as brokers
from constat.observe import cache as caches
from constat.observe import http, objects, postgres, queues, vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis import Redis

    from constat.stack import Broker, Cache, Objects, Postgres, Vault

_TABLES: Final = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"""
_LARGEST: Final = 1024 * 1024
_MANY: Final = 100_000
Words = tuple[str, ...]


def in_database(database: Postgres, words: Words) -> tuple[str, ...]:
    """Tables of every database that can be entered, in every schema, that hold one of the words; large objects too."""
    found = []
    for name in postgres.databases(database):
        with _connected(make_conninfo(database.admin_dsn, dbname=name)) as oracle:
            found += [f"{name}: {table}" for table in _tables(oracle, words)]
            found += [f"{name}: large object {oid}" for oid in _large_objects(oracle, words)]
    return tuple(found)


def in_objects(store: Objects, words: Words) -> tuple[str, ...]:
    """Every version of every object that is called by one of the words, or holds one in its first MiB; uploads by their name.

    Deletion marks count: they tell what there was.
    """
    client, found = objects.connect(store, store.admin), []
    try:
        for bucket in store.buckets:
            for item in client.list_objects(bucket, recursive=True, include_version=True):
                key = str(item.object_name)
                if any(word in key for word in words) or (not item.is_delete_marker and _holds(client, bucket, item, words)):
                    found.append(f"{bucket}/{key}" + (" (deleted)" if item.is_delete_marker else ""))
            uploads = client._list_multipart_uploads(bucket).uploads  # noqa: SLF001 - the SDK lists them only so
            found += [f"{bucket}/{upload.object_name} (upload)" for upload in uploads if any(word in upload.object_name for word in words)]
    except objects.REFUSED as problem:
        msg = f"the object store cannot be searched: {problem}"
        raise Unobservable(msg) from None
    return tuple(found)


def in_cache(cache: Cache, words: Words) -> tuple[str, ...]:
    """Keys of any type, in every numbered database, that are called by one of the words or hold one."""
    try:
        with contextlib.closing(caches.connect(cache, decode=False)) as memory:
            names = list(memory.scan_iter(count=1000))
            return tuple(name.decode(errors="replace") for name in names if _in(name + _value(memory, name), words))
    except (redis.exceptions.RedisError, OSError) as problem:
        msg = f"the cache cannot be searched: {problem}"
        raise Unobservable(msg) from None


def in_broker(broker: Broker, words: Words) -> tuple[str, ...]:
    """Queues that hold a message with one of the words, or are called by one; exchanges, users and policies that are."""
    found = [
        f"queue {queue}"
        for queue in queues.queues(broker)
        if _in(str(queue).encode(), words) or (queue.messages and queues.holding(broker, queue, words))
    ]
    with brokers.management(broker) as client:
        for kind in ("exchanges", "users", "policies", "bindings", "permissions", "topic-permissions", "vhosts"):
            listed = http.expect(http.ask(client, "GET", f"/api/{kind}"), what=kind).json()
            found += [f"{kind[:-1]} {one.get('name') or one.get('user')}" for one in listed if _in(str(one).encode(), words)]
    return tuple(found)


def in_vault(secrets: Vault, words: Words) -> tuple[str, ...]:
    """Paths of the key-value store, policies and roles that are called by one of the words."""
    found = [path for path in _paths(secrets, f"{secrets.mount}/metadata", depth=6) if _in(path.encode(), words)]
    for kind in ("sys/policies/acl", "auth/approle/role", "identity/entity/name"):
        found += [f"{kind}/{name}" for name in vault.names(secrets, kind) if _in(name.encode(), words)]
    return tuple(found)


def _paths(secrets: Vault, path: str, *, depth: int) -> Iterator[str]:
    for name in vault.names(secrets, path) if depth else ():
        if name.endswith("/"):
            yield from _paths(secrets, f"{path}/{name.rstrip('/')}", depth=depth - 1)
        yield f"{path}/{name}"


def _tables(oracle: psycopg.Connection[Any], words: Words) -> Iterator[str]:
    pattern = "|".join(word.replace(".", r"\.") for word in words)
    for schema, name in oracle.execute(_TABLES).fetchall():
        query = sql.SQL("SELECT count(*) FROM (SELECT 1 FROM {} AS r WHERE r::text ~ %s LIMIT %s) AS held")
        row = oracle.execute(query.format(sql.Identifier(str(schema), str(name))), [pattern, _MANY]).fetchone()
        if row and row[0]:
            yield f"{schema}.{name} ({row[0]} rows)"


def _large_objects(oracle: psycopg.Connection[Any], words: Words) -> list[str]:
    rows = oracle.execute("SELECT oid, lo_get(oid, 0, %s) FROM pg_largeobject_metadata LIMIT 1000", [_LARGEST]).fetchall()
    return [str(oid) for oid, content in rows if _in(bytes(content), words)]


@contextlib.contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
            yield connection
    except psycopg.Error as problem:
        msg = f"the database cannot be searched: {problem}"
        raise Unobservable(msg) from None


def _holds(client: Any, bucket: str, item: Any, words: Words) -> bool:
    if not item.size or item.size > _LARGEST:
        return False  # backups and archives; what is in them is listed with their expiry
    answer = client.get_object(bucket, item.object_name, version_id=item.version_id)
    try:
        return _in(answer.read(), words)
    finally:
        answer.close()
        answer.release_conn()


def _value(memory: Redis, name: bytes) -> bytes:
    kind = memory.type(name)
    dumped = memory.dump(name) if kind != b"string" else memory.get(name)
    return bytes(dumped or b"")  # type: ignore[arg-type]  # redis-py's own gap: bytes, because it was not told to decode


def _in(content: bytes, words: Words) -> bool:
    return any(word.encode() in content for word in words)
