"""Exporters: what the database, the cache, the backups, the host and every listener say of themselves, for Prometheus."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.metrics_web import SCRAPER, WEB_CONFIG, ask, greet, web_config
from provision.platform.rendering import TEMPLATES, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.target import Target
    from provision.platform.component import Site

QUERIES: Final = TEMPLATES / "exporters" / "queries.yml"
LOGIN_FILE: Final = "login"
BACKUPS_METRICS: Final = "metrics"  # below the scheduler's directory: *.prom files, written by rename
HOST_COLLECTORS: Final = ("cpu", "filefd", "filesystem", "loadavg", "meminfo", "time", "uname")
# Kernel interfaces have no space to run out of; the file systems that do are all looked at.
WITHOUT_SPACE: Final = (
    "autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|pstore"
    "|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs"
)


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """One exporter: its node, the node and the component it watches, its program and how it is told to."""

    node: str
    subject: str = ""
    component: str = ""
    program: str
    arguments: Callable[[Site, Exporter], tuple[str, ...]]
    files: Callable[[Site, Exporter], tuple[File, ...]] = lambda _site, _exporter: ()
    environment: Callable[[Site, Exporter], dict[str, str]] = lambda _site, _exporter: {}
    user: str = "prometheus"
    has_login: bool = True

    @property
    def tool(self) -> Tool:
        """Its program; each comes in a Debian package of the same name."""
        return Tool(path=f"/usr/bin/{self.program}", package=self.program)

    def process(self, site: Site) -> Process:
        """Its process."""
        command = (self.tool.path, *self.arguments(site, self))
        return Process(name="exporter", node=self.node, command=command, environment=self.environment(site, self))


def _web(site: Site, exporter: Exporter) -> tuple[str, ...]:
    return (f"--web.config.file={site.path(exporter.node, WEB_CONFIG)}", f"--web.listen-address={_listen(site, exporter)}")


def _listen(site: Site, exporter: Exporter) -> str:
    return f"{site.bind(exporter.node)}:{site.address(exporter.node, 'web').port}"


def _postgres(site: Site, exporter: Exporter) -> tuple[str, ...]:
    return (
        *_web(site, exporter),
        f"--extend.query-path={site.path(exporter.node, QUERIES.name)}",
        "--disable-settings-metrics",
        "--log.level=warn",
    )


def _postgres_files(site: Site, exporter: Exporter) -> tuple[File, ...]:
    return (
        File(node=exporter.node, path=QUERIES.name, content=QUERIES.read_text("utf-8")),
        File(node=exporter.node, path=LOGIN_FILE, content=site.secret("postgres/monitor")),
    )


def _postgres_environment(site: Site, exporter: Exporter) -> dict[str, str]:
    watched = site.address(exporter.subject, "postgres")
    return {
        "DATA_SOURCE_URI": f"{watched}/postgres?connect_timeout=3&sslmode=verify-full&sslrootcert={site.certificate(exporter.node).ca}",
        "DATA_SOURCE_USER": "monitor",
        "DATA_SOURCE_PASS_FILE": site.path(exporter.node, LOGIN_FILE),
    }


def _redis(site: Site, exporter: Exporter) -> tuple[str, ...]:
    """It knows no login, so it asks its clients for a certificate of the stack instead."""
    certificate = site.certificate(exporter.node)
    return (
        f"-web.listen-address={_listen(site, exporter)}",
        f"-tls-server-cert-file={certificate.cert}",
        f"-tls-server-key-file={certificate.key}",
        f"-tls-server-ca-cert-file={certificate.ca}",
        f"-tls-ca-cert-file={certificate.ca}",
        f"-redis.addr={_redis_url(site, exporter)}",
        "-redis.user=monitor",
        "-set-client-name=false",
        "-connection-timeout=5s",
        f"-redis.password-file={site.path(exporter.node, LOGIN_FILE)}",
    )


def _redis_files(site: Site, exporter: Exporter) -> tuple[File, ...]:
    return (File(node=exporter.node, path=LOGIN_FILE, content=json.dumps({_redis_url(site, exporter): site.secret("cache/monitor")})),)


def _redis_url(site: Site, exporter: Exporter) -> str:
    return f"rediss://{site.address(exporter.subject, 'redis')}"


def _host(site: Site, exporter: Exporter) -> tuple[str, ...]:
    return (
        *_web(site, exporter),
        "--collector.disable-defaults",
        *(f"--collector.{name}" for name in HOST_COLLECTORS),
        f"--collector.filesystem.fs-types-exclude=^({WITHOUT_SPACE})$",
        "--log.level=warn",
    )


def _backups(site: Site, exporter: Exporter) -> tuple[str, ...]:
    """It runs as the scheduler does, because nobody else can read the scheduler's files."""
    return (
        *_web(site, exporter),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={site.path(exporter.subject, BACKUPS_METRICS)}",
        "--log.level=warn",
    )


def _blackbox(site: Site, exporter: Exporter) -> tuple[str, ...]:
    return (*_web(site, exporter), f"--config.file={site.path(exporter.node, 'blackbox.yml')}", "--log.level=warn")


def _blackbox_files(site: Site, exporter: Exporter) -> tuple[File, ...]:
    content = render("exporters/blackbox.yml.j2", certificate=site.certificate(exporter.node))
    return (File(node=exporter.node, path="blackbox.yml", content=content),)


EXPORTERS: Final = (
    *(
        Exporter(
            node=f"postgres-exporter-{number}",
            subject=f"postgres-{number}",
            component="postgres",
            program="prometheus-postgres-exporter",
            arguments=_postgres,
            files=_postgres_files,
            environment=_postgres_environment,
        )
        for number in (1, 2)
    ),
    Exporter(
        node="redis-exporter",
        subject="cache",
        component="cache",
        program="prometheus-redis-exporter",
        arguments=_redis,
        files=_redis_files,
        has_login=False,
    ),
    Exporter(node="node-exporter", program="prometheus-node-exporter", arguments=_host),
    Exporter(
        node="backups-exporter",
        subject="scheduler",
        component="backups",
        program="prometheus-node-exporter",
        arguments=_backups,
        user="postgres",
    ),
    Exporter(node="blackbox-exporter", program="prometheus-blackbox-exporter", arguments=_blackbox, files=_blackbox_files),
)


def exporters(target: Target) -> tuple[Exporter, ...]:
    """The exporters of what the target deploys."""
    deployed = target.components
    return tuple(exporter for exporter in EXPORTERS if not deployed or not exporter.component or exporter.component in deployed)


class Exporters:
    """One node for each exporter."""

    name = "exporters"
    requires = ()
    tools = tuple(dict.fromkeys(exporter.tool for exporter in EXPORTERS))

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """A node each, because they live and die apart."""
        web = Socket(name="web", tls=True, protocol="https")
        return tuple(Node(name=exporter.node, user=exporter.user, sockets=(web,)) for exporter in exporters(target))

    def plan(self, site: Site) -> Plan:
        """Their files and processes."""
        chosen = exporters(site.target)
        files = [file for exporter in chosen for file in exporter.files(site, exporter)]
        files += [web_config(site, exporter.node, SCRAPER) for exporter in chosen if exporter.has_login]
        return Plan(files=tuple(files), processes=tuple(exporter.process(site) for exporter in chosen))

    def ready(self, site: Site) -> None:
        """Ask each for its front page, which does not wait for what it watches."""
        for exporter in exporters(site.target):
            if exporter.has_login:
                ask(site, exporter.node, "/", login=SCRAPER)
            else:
                greet(site, exporter.node)

    def configure(self, site: Site) -> None:
        """Nothing: their files say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Their keys, and the logins by which they watch and are watched."""
        chosen = exporters(site.target)
        logins = tuple((file.node, file.path, 0o600) for exporter in chosen for file in exporter.files(site, exporter))
        return (*((exporter.node, "key.pem", 0o600) for exporter in chosen), *logins)


COMPONENT = Exporters()
