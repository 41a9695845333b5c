"""Defects of rules about other places than those where a tenant's secrets usually are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mutants.tenancy.secrets.rules import CONFINED, SECRETS, policy

if TYPE_CHECKING:
    from collections.abc import Callable


def _rule(path: str, *capabilities: str) -> Callable[[str], str]:
    words = ", ".join(f'"{capability}"' for capability in capabilities)
    return lambda text: f'{text}\npath "{path}" {{ capabilities = [{words}] }}\n'


MUTANTS: Final = (
    policy(
        "MUT-TEN-VAU-20",
        "the integrations' secrets may be read, and the path has a plus where the tenant's name should be",
        _rule("secret/data/tenants/+/integrations/*", "read"),
        controls=(SECRETS, CONFINED),
    ),
    policy(
        "MUT-TEN-VAU-21",
        "one secret of every tenant's may be written, for a renewal with the tenants' policy",
        _rule("secret/data/tenants/+/certificate", "update"),
        controls=(SECRETS,),
    ),
)
