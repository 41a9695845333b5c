"""Messages: what was confirmed must be there, and what was not may be."""

from __future__ import annotations

from chaos.messages import FEWEST, judge
from constat.outcome import Outcome

STRUCK = 100.0
CONFIRMED = [(f"m{number}", STRUCK - 1) for number in range(FEWEST)]
BODIES = [body for body, _ in CONFIRMED]


def said(found: list[str], confirmed: list[tuple[str, float]] = CONFIRMED) -> Outcome:
    """How the tenant's messages ended."""
    (judgement,) = judge({"t1": confirmed}, {"t1": found}, struck=STRUCK)
    return judgement.outcome


def test_what_was_confirmed_is_there() -> None:
    """One that was not confirmed may be there too, and one may come twice."""
    assert said([*BODIES, "m99", BODIES[0]]) is Outcome.PASS


def test_a_lost_message_is_red() -> None:
    """Be it one."""
    assert said(BODIES[1:]) is Outcome.FAIL


def test_too_few_confirmations_say_nothing() -> None:
    """They must have come before the fault."""
    assert said(BODIES, [(body, STRUCK + 1) for body in BODIES]) is Outcome.ERROR
