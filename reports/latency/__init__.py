"""What a load run measured, drawn: when it was slow, how slow, and whether the instrument can vouch for it."""

from __future__ import annotations

from reports.latency.figures import figures

__all__ = ["figures"]
