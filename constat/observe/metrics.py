"""Facts of the monitoring: its versions, what Prometheus asks and gets, and what it has counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    import httpx

    from constat.stack import Metrics

_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0, "y": 365 * 86400.0}
UP: Final = "up"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, kw_only=True)
class Scraped:
    """One address that Prometheus asks: itself, or through a prober that asks in its place."""

    job: str
    node: str
    instance: str
    address: str  # host:port of what is asked about
    is_probe: bool
    health: str  # `up`, `down` or `unknown`; of a probe, whether what it asked answered
    interval_seconds: float
    error: str
    asked_at: str = ""  # when it was last asked, by Prometheus' clock: only ever compared for being another

    @property
    def name(self) -> str:
        """How people know it; stable when ports change."""
        return f"{self.job} of {self.node}"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A value and its labels."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert rule: what it watches, how bad that is, and how long it must hold before anybody is told."""

    name: str
    expression: str
    severity: str
    hold_seconds: float
    health: str = "ok"  # `unknown` until it was evaluated once, `err` when that fails


@dataclass(frozen=True, kw_only=True)
class Silence:
    """What keeps alerts from being told: which, until when, by whom."""

    what: str
    until: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """An alert as Alertmanager has it: `active`, or `suppressed` by a silence or by another alert."""

    name: str
    state: str
    receivers: tuple[str, ...]


def connect(metrics: Metrics, base: str) -> httpx.Client:
    """Speak to a server of the monitoring as its administrator."""
    return http.client(metrics.ca, base, login=(metrics.login.user, metrics.login.password))


def prometheus_version(metrics: Metrics) -> str:
    """The version of Prometheus."""
    return str(_read(metrics, metrics.prometheus, "/api/v1/status/buildinfo")["data"]["version"])


def alertmanager_version(metrics: Metrics) -> str:
    """The version of Alertmanager."""
    return str(_read(metrics, metrics.alertmanager, "/api/v2/status")["versionInfo"]["version"])


def query(metrics: Metrics, expression: str) -> tuple[Sample, ...]:
    """What an expression is now."""
    found = _read(metrics, metrics.prometheus, "/api/v1/query", query=expression)["data"]["result"]
    return tuple(Sample(labels=dict(row["metric"]), value=float(row["value"][1])) for row in found)


def targets(metrics: Metrics) -> tuple[Scraped, ...]:
    """Everything that Prometheus asks; Unobservable when that is nothing at all."""
    rows = _read(metrics, metrics.prometheus, "/api/v1/targets", state="active")["data"]["activeTargets"]
    reached = {(s.labels.get("job", ""), s.labels.get("instance", "")): s.value for s in query(metrics, "probe_success")}
    found = tuple(_scraped(row, reached) for row in rows)
    if not found:
        msg = "Prometheus asks nothing at all"
        raise Unobservable(msg)
    return found


def rules(metrics: Metrics) -> tuple[Alert, ...]:
    """Every alert rule that is loaded."""
    groups = _read(metrics, metrics.prometheus, "/api/v1/rules", type="alert")["data"]["groups"]
    return tuple(
        Alert(
            name=str(rule["name"]),
            expression=str(rule["query"]),
            severity=str(rule["labels"].get("severity", "")),
            hold_seconds=float(rule["duration"]),
            health=str(rule["health"]),
        )
        for group in groups
        for rule in group["rules"]
    )


def receivers(metrics: Metrics) -> tuple[str, ...]:
    """The addresses of the Alertmanagers that Prometheus hands its alerts to."""
    found = _read(metrics, metrics.prometheus, "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    return tuple(urlsplit(str(row["url"])).netloc for row in found)


def retention_seconds(metrics: Metrics) -> float:
    """How long Prometheus keeps what it has measured, as it is in force; days, weeks and years included."""
    told = str(_read(metrics, metrics.prometheus, "/api/v1/status/runtimeinfo")["data"]["storageRetention"])
    return seconds(told.partition(" or ")[0])


def retention_size(metrics: Metrics) -> str:
    """The size at which Prometheus lets go of what is older, whatever the time says; empty where there is none."""
    told = str(_read(metrics, metrics.prometheus, "/api/v1/status/runtimeinfo")["data"]["storageRetention"])
    return told.partition(" or ")[2]


def silences(metrics: Metrics) -> tuple[Silence, ...]:
    """Every silence that is or will be in force."""
    found = _listed(metrics, "/api/v2/silences")
    return tuple(
        Silence(
            what=", ".join(f"{m['name']}{'=' if m.get('isEqual', True) else '!='}{m['value']}" for m in row["matchers"]),
            until=str(row["endsAt"]),
            by=str(row["createdBy"]),
        )
        for row in found
        if row["status"]["state"] != "expired"
    )


def delivered(metrics: Metrics, name: str) -> tuple[Delivered, ...]:
    """The alerts of that name which Alertmanager has, and whether it keeps them to itself."""
    found = _listed(metrics, "/api/v2/alerts", filter=f'alertname="{name}"')
    return tuple(
        Delivered(
            name=str(row["labels"]["alertname"]),
            state=str(row["status"]["state"]),
            receivers=tuple(str(receiver["name"]) for receiver in row["receivers"]),
        )
        for row in found
    )


def _listed(metrics: Metrics, path: str, **params: str) -> list[dict[str, Any]]:
    with connect(metrics, metrics.alertmanager) as client:
        return list(http.expect(http.ask(client, "GET", path, params=params or None), what=f"{metrics.alertmanager}{path}").json())


def seconds(duration: str) -> float:
    """A duration as Prometheus writes it: `15s`, `1m30s`."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))


def _scraped(row: dict[str, Any], reached: dict[tuple[str, str], float]) -> Scraped:
    labels, asked = row["labels"], urlsplit(row["scrapeUrl"])
    about = parse_qs(asked.query).get("target", [""])[0]
    health, error = str(row["health"]), str(row["lastError"])
    if about and health == UP:
        health, error = _probed(reached.get((labels["job"], labels["instance"])))
    return Scraped(
        job=str(labels["job"]),
        node=str(labels.get("node", "")),
        instance=str(labels["instance"]),
        address=(urlsplit(about).netloc or about) if about else asked.netloc,
        is_probe=bool(about),
        health=health,
        interval_seconds=seconds(str(row["scrapeInterval"])),
        error=error,
        asked_at=str(row["lastScrape"]),
    )


def _probed(success: float | None) -> tuple[str, str]:
    """The prober itself is up: whether it was answered is a sample, which comes a moment later."""
    if success is None:
        return UNKNOWN, ""
    return (UP, "") if success == 1 else ("down", "the prober was not answered")


def _read(metrics: Metrics, base: str, path: str, **params: str) -> dict[str, Any]:
    with connect(metrics, base) as client:
        return dict(http.expect(http.ask(client, "GET", path, params=params or None), what=f"{base}{path}").json())
