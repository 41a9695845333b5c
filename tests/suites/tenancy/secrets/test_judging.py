"""What a policy may reach, and what must stop working."""

from __future__ import annotations

import pytest

from constat.attempt import Answer
from constat.outcome import Outcome
from suites.tenancy.secrets import confinement, revocation
from suites.tenancy.secrets.confinement import Reach
from suites.tenancy.secrets.ground import Planted

PLANTED = tuple(Planted(mount="secret", tenant=tenant, content="c", name="n") for tenant in ("t1", "t10"))
WORKS, GONE = Answer(kind="ok"), Answer(kind="http 403")


@pytest.mark.parametrize(
    ("own", "reached", "outcome"),
    [
        ({"t1"}, {"t1"}, Outcome.PASS),
        ({"t1"}, {"t1", "t10"}, Outcome.FAIL),
        (set(), {"t10"}, Outcome.FAIL),
        (set(), set(), Outcome.PASS),
        ({"t1"}, set(), Outcome.ERROR),
        ({"t2"}, set(), Outcome.PASS),
    ],
)
def test_a_policy_reaches_its_own_tenant_at_most(own: set[str], reached: set[str], outcome: Outcome) -> None:
    """One that does not even reach its own proves nothing about the others."""
    seen = Reach(subject="policy", own=frozenset(own), reached=frozenset(reached))

    assert confinement.judge(seen, PLANTED).outcome is outcome


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (WORKS, GONE, Outcome.PASS),
        (WORKS, WORKS, Outcome.FAIL),
        (GONE, GONE, Outcome.ERROR),
        (WORKS, Answer(kind="http 500"), Outcome.ERROR),
    ],
)
def test_what_is_taken_back_worked_before(before: Answer, after: Answer, outcome: Outcome) -> None:
    """What never worked cannot prove that it was taken back."""
    assert revocation.judge("token", before, after, frozenset({"http 403"})).outcome is outcome


def test_a_policy_that_widens_rights_reaches_everything() -> None:
    """Whoever may make secrets for roles, or policies, is as good as every tenant."""
    seen = Reach(subject="policy", own=frozenset(), reached=frozenset(), powers=("auth/approle/role/constat/secret-id",))

    assert confinement.judge(seen, PLANTED).outcome is Outcome.FAIL
