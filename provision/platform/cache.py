"""Cache: Redis over TLS, one user for each tenant, confined to its own keys and channels."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis import Redis

from constat.stack import Cache
from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.rendering import render

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

NODE: Final = "cache"
PROGRAM: Final = "/usr/bin/redis-server"
CONFIGURATION: Final = "redis.conf"
USERS: Final = "users.acl"
SEED: Final = "users.seed.acl"
DATA: Final = "data"
MEMORY: Final = "256mb"
ADMIN: Final = "admin"
ANSWER_SECONDS: Final = 3.0
SCAN_COUNT: Final = 1000

# The categories are added first, so that what is dangerous in one of them is taken out again.
_DATA_TYPES: Final = ("string", "bitmap", "hash", "list", "set", "sortedset", "hyperloglog", "geo", "stream", "transaction")
# Commands on keys that are named; those that enumerate keys are in the same category and left out.
_NAMED_KEYS: Final = (
    *("del", "unlink", "exists", "touch", "type", "copy", "rename", "renamenx"),
    *("expire", "pexpire", "expireat", "pexpireat", "expiretime", "pexpiretime", "ttl", "pttl", "persist"),
)
# `pubsub` would enumerate channels; it is not among them.
_CHANNELS: Final = ("publish", "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "spublish", "ssubscribe", "sunsubscribe")
_CONNECTION: Final = ("auth", "hello", "ping", "echo", "quit", "reset", "select", "acl|whoami")
TENANT_COMMANDS: Final = (
    "-@all",
    *(f"+@{category}" for category in _DATA_TYPES),
    *(f"+{command}" for command in (*_NAMED_KEYS, *_CHANNELS, *_CONNECTION)),
    "-@admin",
    "-@dangerous",
)
# A script can hold the server up, and the list of scripts is everybody's.
SERVICE_COMMANDS: Final = ("+@all", "-@admin", "-@dangerous", "-@scripting")
# What the exporter reads: numbers about the server, and no key.
MONITOR_COMMANDS: Final = ("-@all", "+ping", "+info", "+config|get", "+slowlog|len", "+latency|latest", "+latency|histogram", "+acl|whoami")


@dataclass(frozen=True)
class User:
    """A line of the access list."""

    name: str
    rules: tuple[str, ...]


class CacheComponent:
    """One server whose access list survives a restart, with what was changed at run time."""

    name = "cache"
    requires = ()
    tools = (Tool(path=PROGRAM, package="redis-server"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (Node(name=NODE, user="redis", sockets=(Socket(name="redis", tls=True, protocol="redis"),), durable=True),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, the access list to begin with, and the server."""
        return Plan(
            files=(
                File(node=NODE, path=CONFIGURATION, content=_configuration(site)),
                File(node=NODE, path=SEED, content=render("cache/users.acl.j2", users=_users(site))),
            ),
            processes=(Process(name="redis", node=NODE, command=_command(site)),),
            directories=((NODE, DATA),),
        )

    def ready(self, site: Site) -> None:
        """Say ping as the administrator; it is refused while the data is being read."""
        with closing(_administration(site)) as redis:
            redis.ping()

    def configure(self, site: Site) -> None:
        """Give the platform's own users exactly their rules again."""
        with closing(_administration(site)) as redis:
            for user in _users(site):
                _set(redis, user)
            redis.acl_save()

    def onboard(self, site: Site, tenant: str) -> None:
        """Create the tenant's user, or give it exactly its rules again."""
        with closing(_administration(site)) as redis:
            _set(redis, _tenant(site, tenant))
            redis.acl_save()

    def offboard(self, site: Site, tenant: str) -> None:
        """Remove the tenant's user, which ends its connections, and every key of the tenant."""
        with closing(_administration(site)) as redis:
            redis.acl_deluser(tenant)
            redis.acl_save()
            for key in redis.scan_iter(match=f"{tenant}:*", count=SCAN_COUNT):
                redis.unlink(key)

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its data, the access list and its key."""
        del site  # the same everywhere
        return ((NODE, DATA, 0o700), (NODE, USERS, 0o600), (NODE, SEED, 0o600), (NODE, "key.pem", 0o600))


def capability(site: Site) -> Cache:
    """The cache as suites see it, with the administrator's password."""
    return Cache(url=f"rediss://{site.address(NODE, 'redis')}/0", admin_password=site.secret(f"cache/{ADMIN}"), ca=site.ca_path)


def _configuration(site: Site) -> str:
    return render(
        "cache/redis.conf.j2",
        address=site.address(NODE, "redis"),
        bind=site.bind(NODE),
        certificate=site.certificate(NODE),
        users=site.path(NODE, USERS),
        data=site.path(NODE, DATA),
        memory=MEMORY,
    )


def _command(site: Site) -> tuple[str, ...]:
    """Begin with the seed, but never write over a list that the server has saved since."""
    users, seed = site.path(NODE, USERS), site.path(NODE, SEED)
    begin = f'umask 077; test -e "{users}" || {{ cp "{seed}" "{users}.part" && mv "{users}.part" "{users}"; }}'
    return ("/bin/sh", "-c", f'{begin}; exec {PROGRAM} "{site.path(NODE, CONFIGURATION)}"')


def _users(site: Site) -> tuple[User, ...]:
    """The platform's own users; nobody is let in without a password."""
    return (
        User("default", ("off", "resetpass", "resetkeys", "resetchannels", "-@all")),
        User(ADMIN, ("on", _password(site.secret(f"cache/{ADMIN}")), "~*", "&*", "+@all")),
        User("service", ("on", _password(site.secret("cache/service")), "~*", "&*", *SERVICE_COMMANDS)),
        User("monitor", ("on", _password(site.secret("cache/monitor")), "resetkeys", "resetchannels", *MONITOR_COMMANDS)),
    )


def _tenant(site: Site, tenant: str) -> User:
    """A tenant's user; the colon is what keeps t1 out of t10."""
    secret = site.secret(f"tenant/{tenant}/cache")
    return User(tenant, ("on", _password(secret), f"~{tenant}:*", f"&{tenant}:*", *TENANT_COMMANDS))


def _password(secret: str) -> str:
    """The rule for a password; the server keeps it hashed anyway, so it is never written down."""
    return f"#{hashlib.sha256(secret.encode()).hexdigest()}"


def _set(redis: Redis, user: User) -> None:
    """Replace a user's rules at once; its connections stay, under the new rules."""
    redis.execute_command("ACL SETUSER", user.name, "reset", *user.rules)  # type: ignore[no-untyped-call] # redis-py's own gap


def _administration(site: Site) -> Redis:
    address = site.address(NODE, "redis")
    return Redis(
        host=address.host,
        port=address.port,
        username=ADMIN,
        password=site.secret(f"cache/{ADMIN}"),
        ssl=True,
        ssl_ca_certs=site.ca_path,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
    )


COMPONENT: Final = CacheComponent()
