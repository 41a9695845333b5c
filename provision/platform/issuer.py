"""Issuer: the secret store gives out short-lived database logins and rotates a standing one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg

from provision.platform import bao, postgres, proxy
from provision.platform.component import Node, Plan
from provision.platform.rendering import TEMPLATES

if TYPE_CHECKING:
    import httpx

    from constat.target import Target
    from provision.platform.component import Site

MOUNT: Final = "database"
CONNECTION: Final = "viridial"
LOGIN: Final = "vault"
# What it issues: logins that may do what the services may, under a name that tells them apart.
ROLE: Final = "app"
NAME: Final = "issued-{{.RoleName}}-{{random 16 | lowercase}}"
TTL: Final = "15m"
MAX_TTL: Final = "1h"
# The standing login that it rotates, where the target declares one.
ROTATED: Final = "reporter"
ROTATION: Final = "24h"


class Issuer:
    """Has no node of its own: it is the secret store's database engine."""

    name = "issuer"
    requires = ("vault", "schema")
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """None."""
        del target  # the same for every target
        return ()

    def plan(self, site: Site) -> Plan:
        """Nothing."""
        del site  # the same everywhere
        return Plan()

    def ready(self, site: Site) -> None:
        """Log in to the database as the secret store."""
        psycopg.connect(postgres.dsn(site, LOGIN, site.address(proxy.NODE, "readwrite"), connect_timeout="3")).close()

    def configure(self, site: Site) -> None:
        """Give the secret store its functions in the database, and tell it to use them."""
        _prepare_database(site)
        with bao.administration(site) as client:
            bao.mount(client, MOUNT, type="database")
            _connect(client, site)
            _issue(client)
            if _is_rotating(site):
                _rotate(client)


def _prepare_database(site: Site) -> None:
    with psycopg.connect(postgres.dsn(site, "postgres", site.address(proxy.NODE, "readwrite"))) as connection:
        if _is_rotating(site):
            connection.execute(_text("reporter.sql"))
        connection.execute(_text("functions.sql"))


def _connect(client: httpx.Client, site: Site) -> None:
    """Where the database is; its password stays as it is, because the stack shows it."""
    address, ca = site.inside.address(proxy.NODE, "readwrite"), site.inside.certificate(bao.NODE).ca
    options = f"sslmode=verify-full&sslrootcert={ca}&target_session_attrs=read-write&connect_timeout=3"
    bao.write(
        client,
        f"{MOUNT}/config/{CONNECTION}",
        plugin_name="postgresql-database-plugin",
        connection_url=f"postgresql://{{{{username}}}}:{{{{password}}}}@{address}/{postgres.DATABASE}?{options}",
        username=LOGIN,
        password=site.secret(f"postgres/{LOGIN}"),
        allowed_roles=[ROLE, ROTATED],
        username_template=NAME,
        # It sends verifiers, so that no password is seen on the way or in a log.
        password_authentication="scram-sha-256",  # noqa: S106 - a method
        # A connection does not outlive a failover for long.
        max_connection_lifetime="30s",
        max_open_connections=4,
    )


def _issue(client: httpx.Client) -> None:
    bao.write(
        client,
        f"{MOUNT}/roles/{ROLE}",
        db_name=CONNECTION,
        creation_statements=["SELECT issuer.issue('{{name}}', '{{password}}', '{{expiration}}')"],
        renew_statements=["SELECT issuer.renew('{{name}}', '{{expiration}}')"],
        revocation_statements=["SELECT issuer.revoke('{{name}}')"],
        default_ttl=TTL,
        max_ttl=MAX_TTL,
    )


def _rotate(client: httpx.Client) -> None:
    bao.write(
        client,
        f"{MOUNT}/static-roles/{ROTATED}",
        db_name=CONNECTION,
        username=ROTATED,
        rotation_statements=["SELECT issuer.rotate('{{name}}', '{{password}}')"],
        rotation_period=ROTATION,
    )


def _is_rotating(site: Site) -> bool:
    return ROTATED in site.target.isolation.logins


def _text(name: str) -> str:
    return (TEMPLATES / "issuer" / name).read_text("utf-8")


COMPONENT: Final = Issuer()
