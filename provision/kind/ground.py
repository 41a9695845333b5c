"""What is there before the first component is: namespaces with their bounds, closed networks, names."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from provision.kind import policies
from provision.kind.manifests import disruption_budget, pods_service, service
from provision.kind.places import namespaces, tenant_namespace
from provision.platform.flows import flows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Target
    from provision.kind.api import Manifest
    from provision.kind.site import KindSite

# Components whose nodes stand in for each other.
_STAND_IN: Final = frozenset({"coordinator", "postgres"})


def ground(site: KindSite, stack: str, door: str) -> tuple[Manifest, ...]:
    """Everything, in the order in which it is needed; `door` is the address that the harness comes from."""
    given = quotas(site.target)
    return (
        *(policies.namespace(name, stack) for name in given),
        *(manifest for name, quota in given.items() for manifest in (*policies.bounds(name, stack, quota), *policies.closed(name, stack))),
        *_networks(site, stack, door),
        *_names(site, stack),
        *_budgets(site, stack),
    )


def quotas(target: Target) -> dict[str, Mapping[str, str]]:
    """What each namespace may hold: the platform's and its tenants', and those that come with every cluster."""
    given: dict[str, Mapping[str, str]] = dict.fromkeys(namespaces(target), policies.PLATFORM_QUOTA)
    return given | dict.fromkeys((*policies.UNUSED, *(tenant_namespace(tenant) for tenant in target.tenants)), policies.TENANT_QUOTA)


def _networks(site: KindSite, stack: str, door: str) -> tuple[Manifest, ...]:
    def port(node: str, socket: str) -> int:
        return site.address(node, socket).port

    declared = flows(site.nodes)
    return tuple(policies.opened(place, stack, known=site.places, flows=declared, port=port, door=door) for place in site.places.values())


def _names(site: KindSite, stack: str) -> tuple[Manifest, ...]:
    """Servers that look a name up once, when they start, find all of them."""
    used = sorted({place.namespace for place in site.places.values()})
    reached = [place for place in site.places.values() if any(not socket.own for socket in place.node.sockets)]
    return (
        *(pods_service(namespace, stack) for namespace in used),
        *(
            service(
                place,
                stack,
                {socket.name: site.address(place.name, socket.name).port for socket in place.node.sockets if not socket.own},
            )
            for place in reached
        ),
    )


def _budgets(site: KindSite, stack: str) -> tuple[Manifest, ...]:
    counted = Counter((place.component, place.namespace) for place in site.places.values())
    return tuple(
        disruption_budget(component, namespace, stack)
        for (component, namespace), count in counted.items()
        if count > 1 and component in _STAND_IN
    )
