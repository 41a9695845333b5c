"""How long requests take, for Prometheus; nothing here names a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, GCCollector, Histogram, PlatformCollector, ProcessCollector, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

MEDIA_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5)


class Meter:
    """The histogram `http_request_duration_seconds`, with the route's template as a label."""

    def __init__(self) -> None:
        """Make a registry of its own."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._histogram = Histogram(
            "http_request_duration_seconds",
            "Seconds from the request's arrival to the last byte of its answer.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._observers: dict[tuple[str, str, int], Callable[[float], None]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (method, route, status)
        observer = self._observers.get(key)
        if observer is None:
            observer = self._observers[key] = self._histogram.labels(method, route, str(status)).observe
        observer(seconds)

    def exposition(self) -> bytes:
        """Everything counted, as Prometheus reads it."""
        return generate_latest(self.registry)
