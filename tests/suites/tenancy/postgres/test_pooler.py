"""What is said of a database of the pooler's that was entered, and of its console."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome
from suites.tenancy.postgres.pooler import Entered, judge, judge_console


@pytest.mark.parametrize(
    ("entered", "is_own", "outcome"),
    [
        (Entered(name="app", session="app", current="app", own=3), True, Outcome.PASS),
        (Entered(name="app", session="app", current="app"), True, Outcome.ERROR),
        (Entered(name="app", refusal="FATAL: no"), True, Outcome.ERROR),
        (Entered(name="reports", refusal="FATAL: no such database"), False, Outcome.PASS),
        (Entered(name="reports", session="app", current="app"), False, Outcome.PASS),
        (Entered(name="reports", session="backup", current="backup"), False, Outcome.FAIL),
        (Entered(name="reports", session="app", current="backup"), False, Outcome.FAIL),
        (Entered(name="reports", session="app", current="app", victims=("leads",)), False, Outcome.FAIL),
    ],
)
def test_the_application_stays_itself_everywhere(entered: Entered, is_own: bool, outcome: Outcome) -> None:  # noqa: FBT001 - a parameter
    """Another login or the victim's rows are too much, and its own door must show its own rows."""
    assert judge(entered, "app", is_own=is_own).outcome is outcome


def test_a_console_that_lets_a_tenants_login_in_fails() -> None:
    """Whatever it may do there."""
    assert judge_console("app", "is let in, SHOW CONFIG refused", "twin").outcome is Outcome.FAIL
    assert judge_console("app", "", "twin").outcome is Outcome.PASS
