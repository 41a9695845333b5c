"""What Prometheus says of its targets."""

from __future__ import annotations

from typing import Any

import pytest

from constat.observe.metrics import _scraped, seconds

DIRECT: dict[str, Any] = {
    "labels": {"job": "cache", "node": "cache", "instance": "127.0.0.1:2"},
    "scrapeUrl": "https://127.0.0.1:2/metrics",
    "health": "up",
    "lastError": "",
    "lastScrape": "2026-01-01T00:00:00Z",
    "scrapeInterval": "15s",
}
PROBE = DIRECT | {
    "labels": {"job": "probe-ready", "node": "search", "instance": "https://127.0.0.1:3/ready"},
    "scrapeUrl": "https://127.0.0.1:9/probe?module=https&target=https%3A%2F%2F127.0.0.1%3A3%2Fready",
}


@pytest.mark.parametrize(("text", "expected"), [("15s", 15.0), ("1m30s", 90.0), ("500ms", 0.5), ("2h", 7200.0)])
def test_durations_are_read_as_prometheus_writes_them(text: str, expected: float) -> None:
    """Units may be combined."""
    assert seconds(text) == expected


def test_a_target_is_known_by_the_address_that_is_asked() -> None:
    """What is asked directly is up when it says so."""
    seen = _scraped(DIRECT, {})

    assert (seen.address, seen.is_probe, seen.health, seen.name) == ("127.0.0.1:2", False, "up", "cache of cache")


@pytest.mark.parametrize(("success", "health"), [(1.0, "up"), (0.0, "down"), (None, "unknown")])
def test_a_probe_is_as_well_as_what_it_asked(success: float | None, health: str) -> None:
    """That the prober answers says nothing about the server behind it."""
    key = ("probe-ready", "https://127.0.0.1:3/ready")
    seen = _scraped(PROBE, {} if success is None else {key: success})

    assert (seen.address, seen.is_probe, seen.health) == ("127.0.0.1:3", True, health)


def test_a_prober_that_is_down_is_down() -> None:
    """An old success of a probe does not hide that nobody probes any more."""
    seen = _scraped(PROBE | {"health": "down", "lastError": "refused"}, {("probe-ready", "https://127.0.0.1:3/ready"): 1.0})

    assert (seen.health, seen.error) == ("down", "refused")
