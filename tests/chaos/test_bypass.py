"""What one server said to those who went past everything: true in the end, or red."""

from __future__ import annotations

from chaos.bypass import Answer, judge
from constat import entries
from constat.outcome import Outcome

STRUCK, WOKEN = 100.0, 140.0


def answer(seq: int, at: float, *, acknowledged: bool = True) -> Answer:
    """What was said to the write of that number."""
    entry = entries.seal("11111111-0000-4000-8000-000000000001", writer="direct", seq=seq, previous_hash="")
    return Answer(entry=entry, at=at, acknowledged=acknowledged)


BEFORE, REFUSED, TOLD = answer(0, 99.0), answer(1, 141.0, acknowledged=False), answer(2, 142.0)


def said(*answers: Answer, lost: tuple[Answer, ...] = ()) -> Outcome:
    """The outcome where all that was acknowledged is there, except what is lost."""
    there = [one.entry for one in answers if one.acknowledged and one not in lost]
    return judge(answers, there, struck=STRUCK, woken=WOKEN).outcome


def test_a_server_that_refuses_is_good() -> None:
    """And so is one that acknowledges what is there in the end."""
    assert said(BEFORE, REFUSED) is Outcome.PASS
    assert said(BEFORE, REFUSED, TOLD) is Outcome.PASS


def test_an_acknowledgement_that_is_not_true_is_red() -> None:
    """After it woke up, and before the fault alike."""
    assert said(BEFORE, REFUSED, TOLD, lost=(TOLD,)) is Outcome.FAIL
    assert said(BEFORE, REFUSED, lost=(BEFORE,)) is Outcome.FAIL


def test_silence_is_no_verdict() -> None:
    """Neither a way that never worked, nor a server that never answered again."""
    assert said(REFUSED) is Outcome.ERROR
    assert said(BEFORE) is Outcome.ERROR
