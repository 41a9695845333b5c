"""The declared flows are those that the components' plans use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from constat.target import load_target
from provision.kind.cluster import Cluster
from provision.kind.provider import deployed
from provision.kind.site import KindSite
from provision.platform.flows import ARCHITECTURE, FLOWS, OBSERVATION, Flow, flows
from provision.platform.scrapes import PROBER

if TYPE_CHECKING:
    from provision.platform.component import Address, Component

TARGET = Path(__file__).resolve().parents[3] / "targets" / "viridial-kind.toml"
# What a configuration names, and what is really connected to through it: the login of the secret
# store's engine is written by `configure`, and a proxy's own socket is told to nobody but itself.
BY_CONFIGURE = {Flow("vault", "proxy", "readwrite")}


class Recording:
    """A site that notes whose address was asked for."""

    def __init__(self, site: KindSite) -> None:
        """Take the site that answers."""
        self._site = site.inside
        self.asked: set[tuple[str, str]] = set()

    def address(self, node: str, socket: str) -> Address:
        """Note and answer."""
        found = self._site.address(node, socket)
        self.asked.add((node, socket))
        return found

    @property
    def inside(self) -> Recording:
        """Itself."""
        return self

    def __getattr__(self, name: str) -> Any:
        """Everything else is answered by the site."""
        return getattr(self._site, name)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> KindSite:
    """The reference platform's site, for a cluster that is never made."""
    directory = tmp_path_factory.mktemp("flows")
    target = load_target(TARGET)
    return KindSite(directory, target, deployed(target), Cluster(directory))


def used(component: Component, site: KindSite) -> set[tuple[str, str]]:
    """The sockets of other components that a plan names."""
    recording = Recording(site)
    component.plan(recording)
    own = {node.name for node in component.nodes(site.target)}
    return {(node, socket) for node, socket in recording.asked if node not in own}


def test_a_plan_names_no_socket_that_is_not_declared(site: KindSite) -> None:
    """Every socket that a component is told of is one to which a flow leads from it."""
    for component in deployed(site.target):
        nodes = {node.name for node in component.nodes(site.target)}
        nodes |= {PROBER} if nodes == {"prometheus"} else set()  # it tells the prober what to ask in its place
        declared = {(flow.node, flow.socket) for flow in flows(site.nodes) if flow.source in nodes}
        assert used(component, site) <= declared, component.name


def test_no_flow_is_declared_that_no_plan_uses(site: KindSite) -> None:
    """What nothing is told of is not opened either; the prober is told at run time what it asks."""
    by_source = {node.name: component for component in deployed(site.target) for node in component.nodes(site.target)}
    between = [flow for flow in flows(site.nodes) if by_source[flow.source] is not by_source[flow.node]]
    told = {component.name: used(component, site) for component in deployed(site.target)}
    named = {flow for flow in between if (flow.node, flow.socket) in told[by_source[flow.source].name]}
    unused = set(between) - named - {*OBSERVATION, *BY_CONFIGURE}

    assert unused == set()


def test_every_declared_flow_leads_to_a_socket(site: KindSite) -> None:
    """A flow that names nothing would be left out in silence; those of the archive wait for somebody who keeps it."""
    assert set(ARCHITECTURE) - set(flows(site.nodes)) == set()


def test_tenants_are_no_source() -> None:
    """No tenant's workload reaches a server directly: the gateway is the one door."""
    assert [flow for flow in FLOWS if "tenant" in flow.source] == []
