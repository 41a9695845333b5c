"""Backups: pgBackRest into an encrypted repository of the object store, and the scheduler that calls it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import NotReady, TargetError
from constat.stack import Backups, KeyPair
from provision.platform.component import Address, File, Node, Plan, Process, Tool
from provision.platform.rendering import TEMPLATES, render

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

NODE: Final = "scheduler"
STANZA: Final = "viridial"
REPOSITORY: Final = "/pgbackrest"
REGION: Final = "us-east-1"
PROGRAM: Final = "/usr/bin/pgbackrest"
PYTHON: Final = "/usr/bin/python3"  # Debian's, which has APScheduler
CONFIGURATION: Final = "pgbackrest.conf"
LAUNCHED: Final = "scheduler.py"
PASSWORDS: Final = ".pgpass"  # where libpq looks for it: the node's directory is its HOME
STATE: Final = "schedule.json"
METRICS: Final = "metrics"  # *.prom, for the exporter that reads text files
DATABASES: Final = ("postgres-1", "postgres-2")
LOGIN: Final = "backup"
MAINTENANCE: Final = "postgres"


@dataclass(frozen=True)
class _Database:
    """A database server as the tool reaches it on its own machine."""

    data: str
    port: int
    socket: str


class BackupsComponent:
    """The scheduler; the archiving of WAL is a command that the database servers run themselves."""

    name = "backups"
    requires = ("postgres", "objects")
    tools = (
        Tool(path=PROGRAM, package="pgbackrest"),
        Tool(path="/usr/lib/python3/dist-packages/apscheduler", package="python3-apscheduler"),
    )

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node, with the account that may read the databases' files; nobody connects to it."""
        del target  # the same for every target
        return (Node(name=NODE, user="postgres"),)

    def plan(self, site: Site) -> Plan:
        """The tool's configuration, the login's password, and the program that runs it by the clock."""
        password = f"*:*:{MAINTENANCE}:{LOGIN}:{site.secret(f'postgres/{LOGIN}')}\n"
        return Plan(
            files=(
                File(node=NODE, path=CONFIGURATION, content=configuration(site, NODE)),
                File(node=NODE, path=PASSWORDS, content=password),
                File(node=NODE, path=LAUNCHED, content=(TEMPLATES / "backups" / LAUNCHED).read_text("utf-8")),
            ),
            processes=(_process(site),),
            directories=((NODE, METRICS),),
        )

    def ready(self, site: Site) -> None:
        """Ask for the state that the scheduler writes when it has started."""
        try:
            site.run(NODE, ("/usr/bin/test", "-s", site.inside.path(NODE, STATE)))
        except TargetError:
            msg = f"the scheduler has not written {STATE!r} yet; its log says why"
            raise NotReady(msg) from None

    def configure(self, site: Site) -> None:
        """Make the repository and the first full backup, unless there is one."""
        if _has_full_backup(site):
            return
        _pgbackrest(site, "stanza-create")
        _pgbackrest(site, "check")
        _pgbackrest(site, "--type=full", "backup")

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """What opens the repository, and the login's password."""
        del site  # the same everywhere
        return ((NODE, CONFIGURATION, 0o600), (NODE, PASSWORDS, 0o600), (NODE, "key.pem", 0o600))


def configuration(site: Site, node: str) -> str:
    """Render the tool's configuration for a database node, or for the scheduler.

    The scheduler names every database server: the tool asks each and takes its copy
    from the one that is the primary at that moment.
    """
    return render(
        "backups/pgbackrest.conf.j2",
        stanza=STANZA,
        repository=REPOSITORY,
        bucket=site.target.buckets.backups,
        endpoint=_named(site.address("objects", "s3")),
        region=REGION,
        identity=_identity(site),
        ca=site.certificate(node).ca,
        cipher=site.secret("backups/cipher"),
        retention_days=site.target.objectives.recovery.retention_days,
        directory=site.path(node, "pgbackrest"),
        databases=[_database(site, name) for name in (DATABASES if node == NODE else (node,))],
        login=LOGIN,
        maintenance=MAINTENANCE,
    )


def capability(site: Site) -> Backups:
    """The backups as suites see them: the configuration, who may use it, and the escrow key."""
    bucket = site.target.buckets.backups
    return Backups(
        stanza=STANZA,
        config=site.path(NODE, CONFIGURATION),
        repository=f"s3://{bucket}{REPOSITORY}",
        cipher_pass=site.secret("backups/cipher"),
        bucket=bucket,
        identity=_identity(site),
        user=site.owner(NODE),
    )


def _identity(site: Site) -> KeyPair:
    return KeyPair(access_key=site.secret("objects/backup/access"), secret_key=site.secret("objects/backup/secret"))


def _named(address: Address) -> Address:
    """The same socket by a name: pgBackRest 2.45 finds no address among a certificate's names."""
    return Address(host="localhost", port=address.port) if address.host == "127.0.0.1" else address


def _database(site: Site, node: str) -> _Database:
    return _Database(data=site.path(node, "data"), port=site.address(node, "postgres").port, socket=site.path(node, "socket"))


def _process(site: Site) -> Process:
    # Isolated from the environment: what else is in the node's directory is not to be imported.
    command = (
        *(PYTHON, "-I", site.path(NODE, LAUNCHED)),
        *("--config", site.path(NODE, CONFIGURATION)),
        *("--stanza", STANZA),
        *("--state", site.path(NODE, STATE)),
        *("--metrics", site.path(NODE, METRICS, "backups.prom")),
    )
    return Process(name="scheduler", node=NODE, command=command)


def _has_full_backup(site: Site) -> bool:
    (stanza,) = json.loads(_pgbackrest(site, "--output=json", "info"))
    return any(backup["type"] == "full" and not backup["error"] for backup in stanza["backup"])


def _pgbackrest(site: Site, *words: str) -> str:
    return site.run(NODE, (PROGRAM, f"--config={site.inside.path(NODE, CONFIGURATION)}", f"--stanza={STANZA}", *words))


COMPONENT: Final = BackupsComponent()
