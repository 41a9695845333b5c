"""Stacks of a few words, for tests that need no server."""

from __future__ import annotations

from typing import Any

from constat.stack import Stack


def bare(**parts: Any) -> Stack:
    """A stack with these capabilities and no other."""
    return Stack(name="s", target="t", provider="embedded", disposable=True, run_dir="/nowhere", **parts)
