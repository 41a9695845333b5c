"""The reference platform's components, in the order in which people think of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from provision.platform.component import Tool

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Component

# What the suites ask the host with.
SUITES: Final = (Tool(path="/usr/bin/ss", package="iproute2"),)

NAMES: Final = (
    "coordinator",
    "postgres",
    "proxy",
    "schema",
    "pooler",
    "objects",
    "backups",
    "cache",
    "broker",
    "vault",
    "issuer",
    "identity",
    "property",
    "search",
    "gateway",
    "exporters",
    "prometheus",
    "alertmanager",
)


def components(target: Target) -> tuple[Component, ...]:
    """The components that the target asks for; all of them when it names none."""
    return tuple(component(name) for name in NAMES if not target.components or name in target.components)


def tools(target: Target) -> tuple[Tool, ...]:
    """Every program that the target's components and the suites need on this machine."""
    return (*SUITES, *(tool for part in components(target) for tool in part.tools))


def component(name: str) -> Component:
    """The component of that name."""
    module = importlib.import_module(f"provision.platform.{name}")
    found: Component = module.COMPONENT
    return found
