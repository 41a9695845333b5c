"""Defects of rules about other places than those where a tenant's secrets usually are."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.secrets.rules import CONFINED, SECRETS, policy, rule

MUTANTS: Final = (
    policy(
        "MUT-TEN-VAU-20",
        "the integrations' secrets may be read, and the path has a plus where the tenant's name should be",
        rule("secret/data/tenants/+/integrations/*", "read"),
        controls=(SECRETS, CONFINED),
    ),
    policy(
        "MUT-TEN-VAU-21",
        "one secret of every tenant's may be written, for a renewal with the tenants' policy",
        rule("secret/data/tenants/+/certificate", "update"),
        controls=(SECRETS,),
    ),
)
