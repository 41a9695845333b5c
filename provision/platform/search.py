"""Search: PostgreSQL full text over a tenant's own properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from provision.platform.services import placement
from provision.platform.services.settings import SearchSettings

if TYPE_CHECKING:
    from constat.target import Target
    from provision.platform.component import Node, Plan, Site

NODE: Final = "search"


class Search:
    """One process."""

    name = NODE
    requires = ("pooler",)
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node."""
        del target  # the same for every target
        return (placement.node(NODE),)

    def plan(self, site: Site) -> Plan:
        """Its settings and the process."""
        settings = SearchSettings(
            listen=placement.listen(site, NODE),
            ca=site.certificate(NODE).ca,
            database=placement.database(site, NODE),
            trust=placement.trust(site),
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


COMPONENT: Final = Search()
