"""What is said of a login that was issued, of what somebody makes tomorrow, of trusted functions, and of what is handed over."""

from __future__ import annotations

import pytest

from constat.attempt import Answer
from constat.outcome import Outcome
from suites.tenancy.postgres import handing, issued, leakproof, tomorrow
from suites.tenancy.postgres.handing import KINDS, Handed
from suites.tenancy.postgres.issued import Tried
from suites.tenancy.postgres.tomorrow import Made
from tests.suites.tenancy.postgres.samples import CANARY, OTHER


@pytest.mark.parametrize(
    ("tried", "outcome"),
    [
        (Tried(path="database/creds/app", own=3), Outcome.PASS),
        (Tried(path="database/creds/app"), Outcome.ERROR),
        (Tried(path="database/creds/app", own=3, powers=("BYPASSRLS",)), Outcome.FAIL),
        (Tried(path="database/creds/app", own=3, leaks=("the victim's row in leads in its own context",)), Outcome.FAIL),
        (Tried(path="database/creds/app", own=3, more=("SELECT on payroll",)), Outcome.NOT_REVIEWED),
    ],
    ids=["as-the-attacked", "blind", "power", "leak", "more"],
)
def test_an_issued_login_is_no_better_than_the_attacked_one(tried: Tried, outcome: Outcome) -> None:
    """A power or the victim's row is a defect, more rights were not attacked, and who sees nothing proves nothing."""
    assert issued.judge(tried, "app").outcome is outcome


@pytest.mark.parametrize(
    ("opened", "refusal", "outcome"),
    [
        ({"table": (), "function": ()}, "", Outcome.PASS),
        ({"table": ("SELECT",), "function": ()}, "", Outcome.FAIL),
        ({"table": (), "function": ("EXECUTE",)}, "", Outcome.FAIL),
        ({}, "permission denied", Outcome.ERROR),
    ],
)
def test_what_is_made_tomorrow_is_closed(opened: dict[str, tuple[str, ...]], refusal: str, outcome: Outcome) -> None:
    """Whatever is open before anybody has guarded it is a defect, and what could not be made was not looked at."""
    assert tomorrow.judge(Made(maker="owner", schema="public", opened=opened, refusal=refusal)).outcome is outcome


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([Answer(kind="ok", shown="(3,)")], Outcome.PASS),
        ([Answer(kind="ok", shown=f"(3,)\nNOTICE: not plain: {CANARY}")], Outcome.FAIL),
        ([Answer(kind="sqlstate 22P02", shown=f'invalid input: "{CANARY}"')], Outcome.FAIL),
        ([Answer(kind="sqlstate 22P02", shown=f'invalid input: "{OTHER}"')], Outcome.ERROR),
    ],
    ids=["silent", "notice", "error", "only-errors"],
)
def test_a_trusted_function_says_nothing_of_others(answers: list[Answer], outcome: Outcome) -> None:
    """By no notice and by no error; and some question must have been answered."""
    assert leakproof.judge({"plain(text)": answers}, (CANARY,)).outcome is outcome


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (Handed(kind="a channel", met=True), Outcome.PASS),
        (Handed(kind="a channel", met=True, found=True), Outcome.FAIL),
        (Handed(kind="a channel"), Outcome.INCONCLUSIVE),
        (Handed(kind="a temporary table", refusal="permission denied"), Outcome.PASS),
    ],
    ids=["cleaned", "kept", "never-met", "refused"],
)
def test_what_a_client_leaves_is_found_by_nobody(seen: Handed, outcome: Outcome) -> None:
    """Only the same server connection can show it, so without it there is no verdict."""
    assert handing.judge(seen).outcome is outcome


def test_what_is_left_is_looked_for() -> None:
    """Each kind has a question of one column that says whether it is there."""
    assert all(look.startswith("SELECT ") and leave for leave, look in KINDS.values())
