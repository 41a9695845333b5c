"""How numbers that count, and channels that are named after a tenant, are found."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.tenancy.postgres.channels import joined
from suites.tenancy.postgres.numbers import judge_numbers


@pytest.mark.parametrize(
    ("drawn", "outcome"),
    [
        ((1, 2, 6, 7, 11), Outcome.FAIL),
        ((1, 2, 3, 4, 5), Outcome.PASS),
        ((5, 5, 5, 5, 5), Outcome.PASS),
        ((3, 90, 14, 77, 2), Outcome.PASS),
        ((1, 2, 6, 7, None), Outcome.NOT_REVIEWED),
    ],
)
def test_a_number_tells_when_it_counts_the_others_writes(drawn: tuple[int | None, ...], outcome: Outcome) -> None:
    """Steady steps when it is quiet and others after each write tell; one's own count and chance do not; a refusal shows nothing."""
    looks = [{"n": "sqlstate 23502 " if one is None else f"ok ({one},)"} for one in drawn]

    (judgement,) = judge_numbers(["n"], looks)

    assert judgement.outcome is outcome


@pytest.mark.parametrize(
    ("source", "channel"),
    [
        ("pg_notify('org_' || NEW.id, 'x')", "org_t10"),
        ("pg_notify('org_' || NEW.id || '_leads', 'x')", "org_t10_leads"),
        ("pg_notify(NEW.id || ':leads', 'x')", "t10:leads"),
        ("pg_notify(format('org-%s', NEW.id), 'x')", "org-t10"),
    ],
)
def test_a_channel_is_joined_with_the_tenants_names(source: str, channel: str) -> None:
    """Before, between, behind and inside the literals of the source."""
    assert channel in set(joined([source], ["t10"]))
