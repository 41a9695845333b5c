"""Property: records of properties, their images, and events of what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provision.platform import broker, cache, objects, topology
from provision.platform.services import placement
from provision.platform.services.settings import Exchange, PropertySettings, Store

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Node, Plan, Site

NODE: Final = "property"
EXCHANGE: Final = "property.events"


class Property:
    """One process."""

    name = NODE
    requires = ("pooler", "objects", "cache", "broker")
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (placement.node(NODE),)

    def plan(self, site: Site) -> Plan:
        """Its settings and the process."""
        settings = PropertySettings(
            listen=placement.listen(site, NODE),
            ca=site.certificate(NODE).ca,
            database=placement.database(site, NODE),
            trust=placement.trust(site),
            store=_store(site),
            cache=f"rediss://service:{site.secret('cache/service')}@{site.address(cache.NODE, 'redis')}/0",
            events=_events(site),
        )
        return placement.plan(site, NODE, settings)

    def ready(self, site: Site) -> None:
        """Ask the service."""
        placement.ready(site, NODE)

    def configure(self, site: Site) -> None:
        """Nothing: its settings say it all."""

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """Its settings and its key."""
        del site  # the same everywhere
        return placement.guarded(NODE)


def _store(site: Site) -> Store:
    keys = objects.operator_keys(site, "service")
    return Store(
        endpoint=f"https://{site.address(objects.NODE, 's3')}",
        bucket=site.target.buckets.images,
        region=objects.REGION,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
    )


def _events(site: Site) -> Exchange:
    server = f"amqps://service:{site.secret('broker/service')}@{site.address(broker.NODE, 'amqp')}"
    return Exchange(server=server, vhost=topology.VHOST, vhosts_key=broker.vhosts_key(site), name=EXCHANGE)


COMPONENT: Final = Property()
