"""Locks: where somebody logs in with a name and a password, every name that there is, and what anybody would try."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from minio.error import S3Error
from psycopg.conninfo import conninfo_to_dict

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.observe import broker as brokers
from constat.observe import cache as caches
from constat.observe import coordinator, http, postgres
from constat.observe import objects as stores
from constat.stack import KeyPair
from suites.security.approach import OK, acts, twin
from suites.security.wire import amqp, resp
from suites.security.wire import postgres as sessions
from suites.security.wire.postgres import Place, enter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    import httpx

    from constat.attempt import Admission
    from constat.stack import Broker, Cache, Coordinator, Objects, Postgres, Stack

Pair = tuple[str, str]
Opens = Callable[[str, str], Answer]
_SERVER_ERRORS: Final = 500
_UNKNOWN_KEYS: Final = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch"})
# What manuals, images and examples of each server come with.
DEFAULTS: Final[dict[str, tuple[Pair, ...]]] = {
    "broker": (("guest", "guest"), ("admin", "admin"), ("rabbitmq", "rabbitmq"), ("user", "bitnami"), ("test", "test")),
    "cache": (("default", ""), ("default", "foobared"), ("default", "redis"), ("default", "password"), ("redis", "redis")),
    "objects": (
        *(("any", "any"), ("some_access_key1", "some_secret_key1"), ("minioadmin", "minioadmin"), ("minio", "minio123")),
        *(("admin", "admin"), ("admin", "password"), ("accessKey", "secretKey"), ("test", "test")),
        ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ),
    # Servers of Prometheus' family take tens of milliseconds to refuse a name that they do not know.
    "web": (
        *(("admin", "admin"), ("admin", "password"), ("admin", "changeme"), ("admin", ""), ("prometheus", "prometheus")),
        *(("scraper", "scraper"), ("patroni", "patroni"), ("username", "password"), ("guest", "guest")),
    ),
}
_GUESSES: Final = ("", "password", "changeme", "admin", "123456")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One login, or a server whose logins nobody can list: what is tried, how it opens, and somebody who has the key."""

    subject: str
    pairs: tuple[Pair, ...]
    way: Callable[[], AbstractContextManager[Opens]]  # gives what tries one pair, for as long as it is tried
    twin: Callable[[], Answer]
    refusals: frozenset[str]

    def approach(self) -> Iterator[Admission]:
        """One admission for each pair."""
        known = twin(self.twin)
        with self.way() as opens:
            tried = [(f"{user!r} with {guess!r}", functools.partial(opens, user, guess)) for user, guess in self.pairs]
            yield from acts(self.subject, known, tried, refusals=self.refusals)


def guesses(user: str, *more: str) -> tuple[Pair, ...]:
    """What anybody would try for a name: itself, what belongs to the server, and the usual ones."""
    return tuple((user, guess) for guess in dict.fromkeys((user, *more, *_GUESSES)))


def of_database(stack: Stack) -> Iterator[Lock]:
    """Every login of the database, at its read-write address; those of the pooler's console at the pooler."""
    if (database := stack.postgres) is None:
        return
    place, key = _opened(database.admin_dsn, database)
    for name in postgres.logins(database):
        yield Lock(
            subject=f"database login {name}",
            pairs=guesses(name, "postgres", database.database),
            way=each(_enter_somewhere, place, (database.database, "postgres")),
            twin=functools.partial(enter, place, key[0], database.database, key[1]),
            refusals=sessions.REFUSALS,
        )
    place, key = _opened(database.pooler_admin_dsn, database)
    yield Lock(
        subject="pooler console",
        pairs=(*guesses(key[0], "pgbouncer"), *guesses("pgbouncer"), *guesses("postgres")),
        way=each(_enter_somewhere, place, ("pgbouncer",)),
        twin=functools.partial(enter, place, key[0], "pgbouncer", key[1]),
        refusals=sessions.REFUSALS,
    )


def of_cache(stack: Stack) -> Iterator[Lock]:
    """Every user of the cache."""
    if (cache := stack.cache) is None:
        return
    known = {user.name: guesses(user.name, "redis") for user in caches.users(cache)}
    for name, pairs in (known | {"defaults": DEFAULTS["cache"]}).items():
        yield Lock(
            subject=f"cache user {name}",
            pairs=pairs,
            way=functools.partial(_cache_way, cache),
            twin=functools.partial(_cache_twin, cache),
            refusals=frozenset({"wrong password"}),
        )


def of_broker(stack: Stack) -> Iterator[Lock]:
    """Every user of the broker."""
    if (broker := stack.broker) is None:
        return
    known = {name: guesses(name, "rabbitmq", "guest") for name in brokers.users(broker)}
    for name, pairs in (known | {"defaults": DEFAULTS["broker"]}).items():
        yield Lock(
            subject=f"broker user {name}",
            pairs=pairs,
            way=each(_broker_opens, broker),
            twin=functools.partial(_broker_opens, broker, broker.admin.user, broker.admin.password),
            refusals=amqp.REFUSALS,
        )


def of_objects(stack: Stack) -> Iterator[Lock]:
    """The keys that the stack knows, guessed by their other half, and the store's own examples."""
    if (objects := stack.objects) is None:
        return
    identities = {"admin": objects.admin, "service": objects.service} | {name: tenant.objects for name, tenant in stack.tenants.items()}
    known = {name: guesses(keys.access_key, name, "minioadmin") for name, keys in identities.items()}
    for name, pairs in (known | {"defaults": DEFAULTS["objects"]}).items():
        yield Lock(
            subject=f"object store key {name}",
            pairs=tuple(pair for pair in pairs if pair[1]),  # without a secret there is no signature: a stranger, who has been tried
            way=each(_objects_open, objects),
            twin=functools.partial(_objects_open, objects, objects.admin.access_key, objects.admin.secret_key),
            refusals=_UNKNOWN_KEYS,
        )


def of_coordinator(stack: Stack) -> Iterator[Lock]:
    """Every login of the consensus store, for somebody who has the clients' certificate."""
    if (store := stack.coordinator) is None:
        return
    for name in coordinator.logins(store):
        yield Lock(
            subject=f"coordinator login {name}",
            pairs=guesses(name, "etcd", "patroni"),
            way=functools.partial(_coordinator_way, store),
            twin=functools.partial(_coordinator_twin, store),
            refusals=frozenset({"wrong password"}),
        )


def _opened(dsn: str, database: Postgres) -> tuple[Place, Pair]:
    """Where a connection string leads, and the key in it."""
    fields = conninfo_to_dict(dsn)
    place = Place(host=str(fields["host"]), port=int(str(fields["port"])), ca=database.ca)
    return place, (str(fields["user"]), unquote(str(fields["password"])))


def _enter_somewhere(place: Place, databases: tuple[str, ...], user: str, guess: str) -> Answer:
    """The first database whose rules let the login try a password, else how the last refused to."""
    for database in databases:
        answer = enter(place, user, database, guess)
        if answer.kind != "sqlstate 28000":
            break
    return answer


def each(opens: Callable[..., Answer], *known: object) -> Callable[[], AbstractContextManager[Opens]]:
    """A way that is gone anew for every pair."""
    return lambda: nullcontext(functools.partial(opens, *known))


@contextmanager
def _cache_way(cache: Cache) -> Iterator[Opens]:
    """One connection for all: a refusal leaves it open."""
    with resp.connected(cache) as line:
        yield functools.partial(resp.log_in, line)


def _cache_twin(cache: Cache) -> Answer:
    with _cache_way(cache) as opens:
        return opens(caches.ADMIN, cache.admin_password)


def _broker_opens(broker: Broker, user: str, guess: str) -> Answer:
    return amqp.log_in(broker, "PLAIN", amqp.plain(user, guess))


def _objects_open(objects: Objects, access_key: str, secret_key: str) -> Answer:
    try:
        stores.connect(objects, KeyPair(access_key=access_key, secret_key=secret_key)).list_buckets()
    except S3Error as problem:
        # Whatever else it complains about, it has believed the signature.
        return Answer(kind=str(problem.code) if problem.code in _UNKNOWN_KEYS else OK, shown=str(problem.code))
    except stores.REFUSED as problem:
        msg = f"the object store does not answer: {problem}"
        raise Unobservable(msg) from None
    return Answer(kind=OK, shown="lists buckets")


@contextmanager
def _coordinator_way(store: Coordinator) -> Iterator[Opens]:
    with coordinator.connect(store, store.endpoints[0]) as client:
        yield functools.partial(_coordinator_opens, client)


def _coordinator_twin(store: Coordinator) -> Answer:
    with _coordinator_way(store) as opens:
        return opens(store.login.user, store.login.password)


def _coordinator_opens(client: httpx.Client, user: str, guess: str) -> Answer:
    reply = http.ask(client, "POST", "/v3/auth/authenticate", value={"name": user, "password": guess})
    if reply.status < _SERVER_ERRORS and "token" not in reply.text:
        return Answer(kind="wrong password", shown=reply.text[:200])
    return Answer(kind=OK if "token" in reply.text else f"http {reply.status}", shown=f"answers {reply.status}")
