"""The field that all controls of the database share: logged in and seeded once, left as it was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.tenancy.postgres.field import Field, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Stack
    from constat.target import Target


@pytest.fixture(scope="package")
def field(stack: Stack, target: Target, attack_pair: tuple[str, str]) -> Iterator[Field]:
    """Seeded relations and the ways in; every planted row is removed afterwards."""
    with opened(stack, target, attack_pair) as found:
        yield found


@pytest.fixture(scope="package")
def entered(field: Field) -> Field:
    """The same field, once the attacker is known to be in a context that takes effect."""
    field.require_context()
    return field
