"""Where the patterns of the cache's users lead to, for a victim."""

from __future__ import annotations

import pytest

from suites.tenancy.cache.ground import WORD, led_to


@pytest.mark.parametrize(
    ("rules", "sign", "found"),
    [
        ("user t1 on ~t1:* ~*:session:* &t1:*", "~", (f"t10:{WORD}", f"t10:session:{WORD}")),
        ("user t1 on ~t1:* &*:alerts", "&", ("t10:alerts",)),
        ("user t1 on (~*:profile +get)", "~", ("t10:profile",)),
        ("user admin on ~* &*", "~", ()),
    ],
)
def test_a_pattern_leads_to_the_victims_name(rules: str, sign: str, found: tuple[str, ...]) -> None:
    """Its name stands where any name, or a tenant's, may stand."""
    assert led_to(rules, sign, ("t1", "t10"), "t10") == found
