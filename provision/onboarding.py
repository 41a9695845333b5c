"""Onboard a tenant in every store by one call, and the inverse."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

from provision.platform.component import Onboards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from provision.platform.component import Component, Site


def onboard(site: Site, components: tuple[Component, ...], tenants: Iterable[str]) -> None:
    """Create the tenants' identities in every component that keeps some; idempotent."""
    missing = [tenant for tenant in tenants if not site.recall(f"tenant/{tenant}/onboarded")]

    def into(component: Onboards) -> None:
        for tenant in missing:
            component.onboard(site, tenant)

    _each(components, into)
    for tenant in missing:
        site.keep(f"tenant/{tenant}/onboarded", "yes")


def offboard(site: Site, components: tuple[Component, ...], tenants: Iterable[str]) -> None:
    """Remove the tenants from every component, with everything that is theirs; idempotent."""
    leaving = list(tenants)
    for tenant in leaving:
        site.keep(f"tenant/{tenant}/onboarded", "")

    def out_of(component: Onboards) -> None:
        for tenant in leaving:
            component.offboard(site, tenant)

    _each(components, out_of)


def _each(components: tuple[Component, ...], act: Callable[[Onboards], None]) -> None:
    """Stores side by side, the tenants of one store one after the other."""
    keepers = [component for component in components if isinstance(component, Onboards)]
    with concurrent.futures.ThreadPoolExecutor(max(1, len(keepers)), thread_name_prefix="onboard") as pool:
        for job in [pool.submit(act, keeper) for keeper in keepers]:
            job.result()
