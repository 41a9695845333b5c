"""The reference platform planned for a cluster that is never made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from constat.target import Target, load_target
from provision.kind.cluster import Cluster
from provision.kind.provider import deployed
from provision.kind.site import KindSite

if TYPE_CHECKING:
    from provision.platform.component import Component

TARGET = Path(__file__).resolve().parents[3] / "targets" / "viridial-kind.toml"


@pytest.fixture(scope="session")
def target() -> Target:
    """The target that comes with the project."""
    return load_target(TARGET)


@pytest.fixture(scope="session")
def components(target: Target) -> tuple[Component, ...]:
    """Its components."""
    return deployed(target)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, target: Target, components: tuple[Component, ...]) -> KindSite:
    """Its site; nothing that is asked of it here reaches a cluster."""
    directory = tmp_path_factory.mktemp("paper")
    return KindSite(directory, target, components, Cluster(directory))
