"""What the monitoring runs with: what is asked, by which rules it is judged, whom alerts are told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constat.observe import http
from constat.settings import flat, text

if TYPE_CHECKING:
    import httpx

    from constat.settings import Settings
    from constat.stack import Metrics


def prometheus(metrics: Metrics) -> Settings:
    """Its configuration and its flags as it runs with them, and every rule that it has loaded."""
    with _client(metrics, metrics.prometheus) as client:
        configuration, flags, groups = (
            http.expect(http.ask(client, "GET", f"/api/v1/{path}"), what=path).json()["data"]
            for path in ("status/config", "status/flags", "rules")
        )
    said = {"configuration": str(configuration["yaml"])} | dict(flat(flags, "flag"))
    for group in groups["groups"]:
        said |= {f"group {group['name']}.interval": text(group["interval"])}
        said |= {f"rule {group['name']}/{rule['name']} {text(rule.get('labels'))}": _rule(rule) for rule in group["rules"]}
    return said


def alertmanager(metrics: Metrics) -> Settings:
    """Its configuration as it runs with it."""
    with _client(metrics, metrics.alertmanager) as client:
        said = http.expect(http.ask(client, "GET", "/api/v2/status"), what="/api/v2/status").json()
    return {"configuration": str(said["config"]["original"])}


def _rule(rule: dict[str, Any]) -> str:
    return text({part: rule.get(part) for part in ("query", "duration", "annotations", "type")})


def _client(metrics: Metrics, url: str) -> httpx.Client:
    return http.client(metrics.ca, url, login=(metrics.login.user, metrics.login.password))
