"""Which paths the server is asked about, and whose they are."""

from __future__ import annotations

import pytest

from suites.tenancy.secrets.effective import concrete, is_others, led_to
from suites.tenancy.secrets.ground import WORD


def test_every_described_path_takes_every_name() -> None:
    """One without a place takes none, and all places of one take the same."""
    assert list(concrete(["/transit/keys/{name}", "/sys/health", "/a/{b}/c/{d}"], ["x", "y"])) == [
        *("transit/keys/x", "transit/keys/y"),
        *("a/x/c/x", "a/y/c/y"),
    ]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("transit/decrypt/t1*", ["transit/decrypt/t10", f"transit/decrypt/t10-{WORD}"]),
        ("transit/decrypt/*", ["transit/decrypt/t10", f"transit/decrypt/t10-{WORD}"]),
        ("transit/decrypt/t2*", []),
        ("auth/approle/role/+/secret-id", ["auth/approle/role/t10/secret-id"]),
        ("sys/policies/acl/+", ["sys/policies/acl/t10"]),
        ("*", ["t10", f"t10-{WORD}"]),
    ],
)
def test_a_rule_leads_to_the_victim(pattern: str, paths: list[str]) -> None:
    """A plus is the victim's name, and a star whatever makes the victim's name of what is before it."""
    assert list(led_to([pattern], "t10")) == paths


@pytest.mark.parametrize(
    ("path", "others"),
    [
        ("transit/keys/t10", True),
        ("transit/keys/t10-documents", True),
        ("sys/policies/acl/tenant-t10", True),
        ("transit/keys/t1-documents", False),
        ("secret/data/tenants/t1/t10", False),
        ("transit/keys/t100", False),
        ("auth/token/lookup-self", False),
    ],
)
def test_whose_a_path_is(path: str, others: bool) -> None:  # noqa: FBT001 - a parameter
    """The first tenant that it names, alone or in a key's name."""
    assert is_others(path, "t1", "t10") is others
