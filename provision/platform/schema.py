"""Schema: the database's tables by versioned migrations, and the tenants' rows in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from provision.platform import postgres
from provision.platform.component import File, Node, Plan

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# The tool reads the migrations on a node, by that node's account.
NODE: Final = postgres.NODES[0]
DIRECTORY: Final = "migrations"
_ACCOUNT: Final = """
INSERT INTO authentication.accounts AS account (organization_id, user_name, password_hash)
VALUES (%(organization)s, %(user)s, cryptography.crypt(%(password)s, cryptography.gen_salt('bf', 10)))
ON CONFLICT (user_name) DO UPDATE SET password_hash = excluded.password_hash
WHERE account.password_hash <> cryptography.crypt(%(password)s, account.password_hash)
"""
# A partition's rows go with its parent's.
_TENANT_TABLES: Final = """
SELECT schema.nspname, relation.relname FROM pg_class AS relation
JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid
WHERE relation.relkind IN ('r', 'p') AND NOT relation.relispartition
    AND attribute.attname = %s AND NOT attribute.attisdropped
"""


class Schema:
    """Has no node of its own."""

    name = "schema"
    requires = ("postgres",)
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """None."""
        del target  # the same for every target
        return ()

    def plan(self, site: Site) -> Plan:
        """The migrations, where the tool can read them."""
        del site  # the same everywhere
        files = sorted(MIGRATIONS.glob("*.sql"))
        return Plan(files=tuple(File(node=NODE, path=f"{DIRECTORY}/{file.name}", content=file.read_bytes()) for file in files))

    def ready(self, site: Site) -> None:
        """Log in as the migrator."""
        leader = site.address(postgres.leader(site), "postgres")
        psycopg.connect(postgres.dsn(site, "migrator", leader, connect_timeout="3")).close()

    def configure(self, site: Site) -> None:
        """Apply the migrations that are not applied."""
        inside = site.inside
        leader = inside.address(postgres.leader(site), "postgres")
        url = postgres.dsn(inside, "migrator", leader, sslrootcert=inside.certificate(NODE).ca)
        command = (inside.program("dbmate"), "--no-dump-schema", "--migrations-dir", inside.path(NODE, DIRECTORY), "migrate", "--strict")
        site.run(NODE, command, {"DATABASE_URL": url})

    def onboard(self, site: Site, tenant: str) -> None:
        """Create the tenant's organization and the account that signs in to the API."""
        declared = site.target.tenants[tenant]
        account = {"organization": declared.organization_id, "user": f"{tenant}-agent", "password": site.secret(f"tenant/{tenant}/api")}
        with _admin(site) as connection:
            connection.execute(
                "INSERT INTO organizations (organization_id, name, plan) VALUES (%s, %s, %s)"
                " ON CONFLICT (organization_id) DO UPDATE SET name = excluded.name, plan = excluded.plan",
                [declared.organization_id, tenant, declared.plan],
            )
            connection.execute(_ACCOUNT, account)

    def offboard(self, site: Site, tenant: str) -> None:
        """Delete every row of the tenant, in whatever table has a tenant's column."""
        column = site.target.isolation.tenant_column
        with _admin(site) as connection:
            # The whole tenant goes in one transaction, so the order of the tables does not matter.
            connection.execute("SET LOCAL session_replication_role = replica")
            for table in connection.execute(_TENANT_TABLES, [column]).fetchall():
                statement = sql.SQL("DELETE FROM {} WHERE {} = %s").format(sql.Identifier(*table), sql.Identifier(column))
                connection.execute(statement, [site.target.tenants[tenant].organization_id])


def _admin(site: Site) -> psycopg.Connection[tuple[str, str]]:
    """The superuser's session: row level security does not hide a tenant from it."""
    return psycopg.connect(postgres.leader_dsn(site, postgres.DATABASE))


COMPONENT: Final = Schema()
