"""How each component is, by the supervisor's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provision.provider import ComponentState

if TYPE_CHECKING:
    from provision.embedded.site import EmbeddedSite
    from provision.embedded.supervisor import Supervisor
    from provision.platform.component import Component


def states(site: EmbeddedSite, components: tuple[Component, ...], supervisor: Supervisor) -> dict[str, ComponentState]:
    """Each component's state; one without processes is as configured as the stack is."""
    running = {name: info["statename"] for name, info in supervisor.states().items()} if supervisor.is_running() else {}
    return {component.name: _state(component, site, running, supervisor) for component in components}


def _state(component: Component, site: EmbeddedSite, running: dict[str, str], supervisor: Supervisor) -> ComponentState:
    nodes = component.nodes(site.target)
    endpoints = [str(site.address(node.name, node.sockets[0].name)) for node in nodes if node.sockets]
    mine = [name for name in running if name.split(".")[0] in {node.name for node in nodes}]
    return ComponentState(
        state=_word([running[name] for name in mine], expected=bool(nodes)),
        endpoint=",".join(endpoints),
        restarts=sum(supervisor.restarts(name) for name in mine),
    )


def _word(seen: list[str], *, expected: bool) -> str:
    if not expected:
        return "configured"
    if not seen or all(state in {"STOPPED", "EXITED", "FATAL"} for state in seen):
        return "down"
    if all(state == "RUNNING" for state in seen):
        return "running"
    return "restarting" if {"STARTING", "BACKOFF"} & set(seen) else "degraded"
