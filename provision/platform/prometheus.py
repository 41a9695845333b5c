"""Prometheus: asks everything for its metrics, keeps them, and judges them by the alert rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.stack import Login, Metrics
from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.metrics_web import ADMIN, SCRAPER, WEB_CONFIG, WebLogin, ask, url, web_config
from provision.platform.rendering import TEMPLATES, render
from provision.platform.scrapes import PROBER, SCRAPES, Scrape, Subject, is_declared, subjects

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Site

NODE: Final = "prometheus"
ALERTMANAGER: Final = "alertmanager"
PROGRAM: Final = "/usr/bin/prometheus"
RULES: Final = TEMPLATES / "prometheus" / "rules.yml"
# The promise of the specification; a target that wants others says so in its own words, not in numbers.
SCRAPE_SECONDS: Final = 15
RETENTION_DAYS: Final = 30


class Prometheus:
    """One server; it is ready before what it asks has answered, which takes an interval at most."""

    name = "prometheus"
    # The secret store makes the token that its metrics are shown for.  The others only take
    # long to come up: to ask earlier would be to raise alerts in every stack's first minute.
    requires = ("vault", "postgres", "broker")
    tools = (Tool(path=PROGRAM, package="prometheus"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (Node(name=NODE, user="prometheus", sockets=(Socket(name="web", tls=True, protocol="https"),), durable=True),)

    def plan(self, site: Site) -> Plan:
        """Its configuration, the alert rules, the passwords that it shows, and the server."""
        return Plan(
            files=(
                File(node=NODE, path="prometheus.yml", content=_configuration(site)),
                File(node=NODE, path="objectives.yml", content=render("prometheus/objectives.yml.j2", objectives=objectives(site.target))),
                File(node=NODE, path=RULES.name, content=RULES.read_text("utf-8")),
                *_credentials(site),
                web_config(site, NODE, ADMIN),
            ),
            processes=(Process(name=self.name, node=NODE, command=_command(site)),),
            directories=((NODE, "data"),),
        )

    def ready(self, site: Site) -> None:
        """Ask its readiness endpoint, which does not wait for what it scrapes."""
        ask(site, NODE, "/-/ready", login=ADMIN)

    def configure(self, site: Site) -> None:
        """Nothing: its files say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """What it has measured, its key and what it shows to others."""
        shown = tuple((NODE, file.path, 0o600) for file in _credentials(site))
        return ((NODE, "data", 0o700), (NODE, "key.pem", 0o600), (NODE, WEB_CONFIG, 0o600), *shown)


def capability(site: Site) -> Metrics:
    """Where metrics and alerts are read, and by whom."""
    return Metrics(
        prometheus=url(site, NODE),
        alertmanager=url(site, ALERTMANAGER) if is_declared(site, ALERTMANAGER, "web") else "",
        login=Login(user=ADMIN.user, password=site.secret(ADMIN.secret)),
        ca=site.ca_path,
    )


def objectives(target: Target) -> dict[str, float]:
    """The target's promises that alert rules compare with, by the name of their series."""
    recovery, latency = target.objectives.recovery, target.objectives.latency
    promised = {
        "rpo_seconds": recovery.rpo_seconds,
        "node_rpo_seconds": recovery.node_rpo_seconds,
        "p95_seconds": latency.p95_ms / 1000 if latency and latency.p95_ms else None,
    }
    return {name: number for name, number in promised.items() if number is not None}


def _configuration(site: Site) -> str:
    found = [(scrape, subjects(site, scrape)) for scrape in SCRAPES]
    return render(
        "prometheus/prometheus.yml.j2",
        stack=site.name,
        scrape_seconds=SCRAPE_SECONDS,
        certificate=site.certificate(NODE),
        admin=_shown(site, ADMIN),
        alertmanagers=[str(site.address(ALERTMANAGER, "web"))] if is_declared(site, ALERTMANAGER, "web") else [],
        jobs=[_job(site, scrape, targets) for scrape, targets in found if targets],
    )


def _job(site: Site, scrape: Scrape, targets: tuple[Subject, ...]) -> dict[str, object]:
    """A job as the template wants it; one with a module goes to the prober."""
    probed = bool(scrape.module)
    login = SCRAPER if probed else scrape.login
    return {
        "name": scrape.job,
        "path": "/probe" if probed else scrape.path,
        "tls": probed or scrape.tls,
        "login": _shown(site, login) if login else None,
        "token_file": site.path(NODE, _token_path(scrape)) if scrape.bearer else "",
        "parameters": {"module": [scrape.module]} if probed else scrape.parameters,
        "prober": str(site.address(PROBER, "web")) if probed else "",
        "targets": targets,
    }


def _credentials(site: Site) -> list[File]:
    """What it shows to those who ask, a file each, because its configuration can be read over the network."""
    passwords = {_password_path(login): site.secret(login.secret) for login in (ADMIN, SCRAPER)}
    tokens = {_token_path(scrape): site.recall(scrape.bearer) for scrape in SCRAPES if scrape.bearer}
    return [File(node=NODE, path=path, content=value) for path, value in (passwords | tokens).items() if value]


def _shown(site: Site, login: WebLogin) -> dict[str, str]:
    return {"user": login.user, "password_file": site.path(NODE, _password_path(login))}


def _password_path(login: WebLogin) -> str:
    return f"{login.user}.password"


def _token_path(scrape: Scrape) -> str:
    return f"{scrape.job}.token"


def _command(site: Site) -> tuple[str, ...]:
    address = site.address(NODE, "web")
    return (
        PROGRAM,
        f"--config.file={site.path(NODE, 'prometheus.yml')}",
        f"--web.config.file={site.path(NODE, WEB_CONFIG)}",
        f"--web.listen-address={site.bind(NODE)}:{address.port}",
        f"--web.external-url=https://{address}/",
        f"--storage.tsdb.path={site.path(NODE, 'data')}",
        f"--storage.tsdb.retention.time={RETENTION_DAYS}d",
        "--storage.tsdb.wal-compression",
        # What fires before the first look for Alertmanager, 5 s after the start, is lost: say it again soon.
        "--rules.alert.resend-delay=15s",
        "--log.level=warn",
    )


COMPONENT = Prometheus()
