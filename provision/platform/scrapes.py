"""Everything that Prometheus asks: which sockets, which path, and what it must show to be answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from provision.platform.metrics_web import ADMIN, SCRAPER, WebLogin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provision.platform.component import Site

PROBER: Final = "blackbox-exporter"


@dataclass(frozen=True)
class Ask:
    """A socket to ask, and the node that its answer is about when that is another."""

    node: str
    socket: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Scrape:
    """One job of Prometheus.

    `bearer` is the name of a token that a server has made.  With `module` the prober asks
    in Prometheus' place, and the answer is whether the socket answers, in how much time
    and with which certificate.
    """

    job: str
    asks: tuple[Ask, ...]
    path: str = "/metrics"
    tls: bool = True
    login: WebLogin | None = None
    bearer: str = ""
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    module: str = ""


@dataclass(frozen=True)
class Subject:
    """An address to ask, and the labels of what it says."""

    address: str
    labels: Mapping[str, str]


SERVICES: Final = tuple(Ask(name, "http") for name in ("identity", "property", "search"))
MEMBERS: Final = tuple(Ask(f"coordinator-{number}", "client") for number in (1, 2, 3))
DATABASES: Final = tuple(Ask(f"postgres-{number}", "patroni") for number in (1, 2))
BROKER: Final = (Ask("broker", "prometheus"),)
# Sockets that begin with TLS.  PostgreSQL and PgBouncer ask for it later in their own
# protocol, which the prober does not speak.
BEGIN_WITH_TLS: Final = (
    Ask("cache", "redis"),
    Ask("broker", "amqp"),
    Ask("gateway", "https"),
    Ask("prometheus", "web"),
    Ask("alertmanager", "web"),
)
BEGIN_IN_CLEAR: Final = (Ask("pooler", "pgbouncer"), Ask("proxy", "readwrite"), Ask("proxy", "readonly"))

SCRAPES: Final = (
    Scrape(job="prometheus", asks=(Ask("prometheus", "web"),), login=ADMIN),
    Scrape(job="alertmanager", asks=(Ask("alertmanager", "web"),), login=ADMIN),
    Scrape(job="coordinator", asks=MEMBERS),
    Scrape(job="patroni", asks=DATABASES),
    Scrape(job="postgres", asks=tuple(Ask(f"postgres-exporter-{n}", "web", f"postgres-{n}") for n in (1, 2)), login=SCRAPER),
    Scrape(job="proxy", asks=(Ask("proxy", "metrics"),), tls=False),
    Scrape(job="objects", asks=(Ask("objects", "metrics"),), tls=False),
    Scrape(job="backups", asks=(Ask("backups-exporter", "web", "scheduler"),), login=SCRAPER),
    Scrape(job="cache", asks=(Ask("redis-exporter", "web", "cache"),)),
    Scrape(job="broker", asks=BROKER),
    Scrape(job="queues", asks=BROKER, path="/metrics/detailed", parameters={"family": ("queue_coarse_metrics",)}),
    Scrape(
        job="vault",
        asks=(Ask("vault", "api"),),
        path="/v1/sys/metrics",
        bearer="vault/monitor",
        parameters={"format": ("prometheus",)},
    ),
    Scrape(job="services", asks=SERVICES),
    Scrape(job="gateway", asks=(Ask("gateway", "metrics"),), tls=False),
    Scrape(job="host", asks=(Ask("node-exporter", "web", "host"),), login=SCRAPER),
    Scrape(job="blackbox", asks=(Ask(PROBER, "web"),), login=SCRAPER),
    Scrape(job="probe-ready", asks=SERVICES, path="/ready", module="https"),
    Scrape(job="probe-coordinator", asks=MEMBERS, path="/health", module="https"),
    Scrape(job="probe-database", asks=DATABASES, path="/liveness", module="https"),
    Scrape(job="probe-objects", asks=(Ask("objects", "s3"),), path="/healthz", module="https"),
    Scrape(job="probe-vault", asks=(Ask("vault", "api"),), path="/v1/sys/health", module="https"),
    Scrape(job="probe-tls", asks=BEGIN_WITH_TLS, module="tls"),
    Scrape(job="probe-tcp", asks=BEGIN_IN_CLEAR, module="tcp"),
)


def subjects(site: Site, scrape: Scrape) -> tuple[Subject, ...]:
    """What a job asks in this stack; nothing where the component, or the prober that asks it, is not deployed."""
    if scrape.module and not is_declared(site, PROBER, "web"):
        return ()
    return tuple(_subject(site, scrape, ask) for ask in scrape.asks if is_declared(site, ask.node, ask.socket))


def is_declared(site: Site, node: str, socket: str) -> bool:
    """Whether this stack has the socket."""
    try:
        site.address(node, socket)
    except KeyError:
        return False
    return True


def _subject(site: Site, scrape: Scrape, ask: Ask) -> Subject:
    address = str(site.address(ask.node, ask.socket))
    labels = {"node": ask.about or ask.node}
    if scrape.module:
        labels["socket"] = ask.socket
    return Subject(f"https://{address}{scrape.path}" if scrape.module == "https" else address, labels)
