"""Pooler: PgBouncer in transaction mode, which knows only the logins that work for tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from provision.platform import postgres, proxy
from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.rendering import render

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

PROGRAM: Final = "/usr/sbin/pgbouncer"
NODE: Final = "pooler"
CONFIGURATION: Final = "pgbouncer.ini"
PASSWORDS: Final = "userlist.txt"
ADMIN: Final = "pooler-admin"
LOOKUP: Final = "pooler"


class Pooler:
    """One node."""

    name = "pooler"
    requires = ("schema",)
    tools = (Tool(path=PROGRAM, package="pgbouncer"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (Node(name=NODE, user="postgres", sockets=(Socket(name="pgbouncer", tls=True, protocol="postgres"),)),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, the passwords of its two own logins, and the process."""
        passwords = "".join(f'"{login}" "{site.secret(f"postgres/{login}")}"\n' for login in (ADMIN, LOOKUP))
        return Plan(
            files=(
                File(node=NODE, path=CONFIGURATION, content=_configuration(site)),
                File(node=NODE, path=PASSWORDS, content=passwords),
            ),
            processes=(Process(name="pgbouncer", node=NODE, command=(PROGRAM, site.path(NODE, CONFIGURATION)), stop_signal="INT"),),
        )

    def ready(self, site: Site) -> None:
        """Log in as the application does, through to the database."""
        address = site.address(NODE, "pgbouncer")
        with psycopg.connect(postgres.dsn(site, "app", address, connect_timeout="3"), prepare_threshold=None) as connection:
            connection.execute("SELECT")

    def configure(self, site: Site) -> None:
        """Nothing: its files say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its passwords and its key."""
        del site  # the same everywhere
        return ((NODE, PASSWORDS, 0o600), (NODE, CONFIGURATION, 0o600), (NODE, "key.pem", 0o600))


def _configuration(site: Site) -> str:
    return render(
        "pooler/pgbouncer.ini.j2",
        bind=site.bind(NODE),
        address=site.address(NODE, "pgbouncer"),
        leader=site.address(proxy.NODE, "readwrite"),
        certificate=site.certificate(NODE),
        passwords=site.path(NODE, PASSWORDS),
        database=postgres.DATABASE,
        admin=ADMIN,
        lookup=LOOKUP,
    )


COMPONENT: Final = Pooler()
