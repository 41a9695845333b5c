"""What counts in what pgrls prints."""

from __future__ import annotations

import tomllib

from bench.peers import pgrls


def test_a_table_that_is_not_proven_counts() -> None:
    """And a probe that disagrees with a proof; a probe that abstains says nothing."""
    assert not pgrls._verdicts("anon", {"table": "leads", "verdict": "proven"})
    assert pgrls._verdicts("anon", {"table": "leads", "verdict": "unverified"}) == {"anon leads: unverified"}
    probed = {"table": "leads", "static_verdict": "isolated", "agreement": "leak_confirmed"}
    assert pgrls._verdicts("write", probed) == {"write leads: leak_confirmed"}
    assert not pgrls._verdicts("write", probed | {"agreement": "abstained"})


def test_references_that_cascade_are_no_open_cell() -> None:
    """Here they begin with the tenant; every other undecided cell counts, and every open one."""
    cascade = {"verdict": "undecided", "note": "through foreign key leads_fkey"}
    assert not pgrls._is_wide(cascade)
    assert pgrls._is_wide(cascade | {"note": "materialized view"})
    assert pgrls._is_wide(cascade | {"verdict": "open"})


def test_its_configuration_names_the_roles_of_low_trust() -> None:
    """It is the configuration's own format."""
    rules = tomllib.loads(pgrls.CONFIGURATION)["lint"]["rules"]
    assert rules["SEC042"]["anon_roles"] == ["app", "application", "PUBLIC"]
