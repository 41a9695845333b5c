"""The traffic whose traces the controls of this folder look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.tenancy.gateway.stage import Canaries, Stage, staged
from suites.tenancy.telemetry.provoking import Provoked, failed_sign_ins, provoked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Stack


@pytest.fixture(scope="package")
def stage(stack: Stack, canaries: Canaries, attack_pair: tuple[str, str]) -> Iterator[Stage]:
    """Both tenants, each with something of its own behind every operation; removed afterwards."""
    with staged(stack, canaries, attack_pair) as ready:
        yield ready


@pytest.fixture(scope="package")
def traffic(stage: Stage) -> list[Provoked]:
    """Everything that was said and answered, well and badly."""
    seen = list(provoked(stage))
    for way in stage.ways:
        if way.public and way.method == "POST":
            for door in stage.doors(way):
                seen += failed_sign_ins(stage, door, way.path)
    return seen
