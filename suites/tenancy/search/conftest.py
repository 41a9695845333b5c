"""The stage that the controls of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.tenancy.gateway.stage import Canaries, Stage, staged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Stack


@pytest.fixture(scope="package")
def stage(stack: Stack, canaries: Canaries, attack_pair: tuple[str, str]) -> Iterator[Stage]:
    """Both tenants, each with something of its own behind every operation; removed afterwards."""
    with staged(stack, canaries, attack_pair) as ready:
        yield ready
