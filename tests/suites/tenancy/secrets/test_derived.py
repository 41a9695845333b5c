"""Where the rules of a policy lead to, for a victim."""

from __future__ import annotations

import pytest

from suites.tenancy.secrets.derived import places
from suites.tenancy.secrets.ground import WORD, Planted


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("secret/data/tenants/+/integrations/*", [f"tenants/t10/integrations/{WORD}"]),
        ("secret/data/tenants/+/certificate", ["tenants/t10/certificate"]),
        ("secret/data/tenants/t1/*", [f"tenants/t10/{WORD}"]),
        ("secret/data/t1/mail", ["t10/mail"]),
        ("secret/data/shared/*", []),
        ("auth/token/lookup-self", []),
        ("other/data/tenants/+/x", []),
    ],
)
def test_a_rule_leads_to_the_victims_name(pattern: str, found: list[str]) -> None:
    """Its name stands where any name, or a tenant's, may stand."""
    assert list(places([pattern], "secret", ("t1", "t10"), "t10")) == found


def test_each_place_is_named_once() -> None:
    """Two verbs at one place are one secret."""
    assert list(places(["secret/data/t1/a", "secret/metadata/t1/a"], "secret", ("t1",), "t2")) == ["t2/a"]


def test_a_planted_secret_is_where_the_rule_leads() -> None:
    """Otherwise it is below the tenant's own folder."""
    assert Planted(mount="secret", tenant="t10", content="c", name="", place="t10/a/b").known == "t10/a/b"
    assert Planted(mount="secret", tenant="t10", content="c", name="n").known == f"tenants/t10/{WORD}/known"
