"""How each component is, by the kubelets' word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.provider import ComponentState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provision.kind.pods import Pods, Seen
    from provision.kind.site import KindSite
    from provision.platform.component import Component


def states(site: KindSite, components: tuple[Component, ...], pods: Pods) -> dict[str, ComponentState]:
    """Each component's state; one without processes is as configured as the stack is."""
    seen = pods.all()
    return {component.name: _state(component, site, seen) for component in components}


def _state(component: Component, site: KindSite, seen: Sequence[Seen]) -> ComponentState:
    nodes = component.nodes(site.target)
    endpoints = [str(site.address(node.name, node.sockets[0].name)) for node in nodes if node.sockets]
    mine = [container for container in seen if container.node in {node.name for node in nodes}]
    return ComponentState(
        state=word(mine, frozenset(node.name for node in nodes)),
        endpoint=",".join(endpoints),
        restarts=sum(container.restarts for container in mine),
    )


def word(seen: Sequence[Seen], nodes: frozenset[str]) -> str:
    """One word for a component's containers; a node that has none is down, whatever the others are."""
    if not nodes:
        return "configured"
    running = {container.node for container in seen if container.running}
    if not running:
        return "down"
    if running == nodes and all(container.running for container in seen):
        return "running"
    return "restarting" if any(container.waits_for for container in seen) else "degraded"
