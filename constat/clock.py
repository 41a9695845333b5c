"""Two clocks: one monotonic for every duration, one wall clock for display only."""

from __future__ import annotations

import datetime
import time


def monotonic() -> float:
    """Seconds on the one clock that durations are measured with."""
    return time.monotonic()


def utc_now() -> str:
    """Now, for people: UTC in ISO 8601 with milliseconds; never subtract two of these."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
