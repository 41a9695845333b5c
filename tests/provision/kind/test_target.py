"""The two targets of the reference platform promise the same of it, wherever it is put."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.target import load_target

if TYPE_CHECKING:
    from constat.target import Target
from tests.provision.kind.conftest import TARGET


def test_what_is_declared_of_the_platform_is_declared_once(target: Target) -> None:
    """Identities, logins, what is accepted and what is waived are the platform's own, not the provider's."""
    embedded = load_target(TARGET.with_name("embedded.toml"))

    assert target.isolation == embedded.isolation
    assert target.identities == embedded.identities
    assert target.waivers == embedded.waivers
    assert (target.tenants, target.plans, target.promises) == (embedded.tenants, embedded.plans, embedded.promises)
