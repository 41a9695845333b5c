"""An approach is as good as its worst act, and of nothing nothing follows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.outcome import Outcome, worst
from suites.security.approach import Ground, acts, approached, twin, worst_of
from tests.suites.security.stacks import bare

OK, REFUSED = Answer(kind="ok"), Answer(kind="http 401")
ALLOWED = frozenset({"http 401"})


def away() -> Answer:
    """A server that is not there."""
    msg = "connection refused"
    raise Unobservable(msg)


@given(st.lists(st.sampled_from(list(Outcome)), max_size=6))
def test_a_subject_is_as_good_as_its_worst_act(outcomes: list[Outcome]) -> None:
    """Whatever the acts ended with, the subject ends with the worst, and with none it is NOT_REVIEWED."""
    tried = [Judgement(subject=f"door: act {n}", outcome=outcome, reason="so it was") for n, outcome in enumerate(outcomes)]

    assert worst_of("door", tried).outcome is worst(outcomes)


def test_a_stranger_who_is_let_in_once_fails_the_subject() -> None:
    """One open act among refused ones is a FAIL that names the act."""
    judged = approached("door", lambda: acts("door", OK, [("look", lambda: REFUSED), ("write", lambda: OK)], refusals=ALLOWED))

    assert (judged.outcome, judged.reason) == (Outcome.FAIL, "write: was let in")


def test_a_stranger_who_is_let_in_fails_even_when_nobody_else_is() -> None:
    """A twin that could not be looked at does not hide an open door."""
    judged = approached("door", lambda: acts("door", twin(away), [("look", lambda: OK)], refusals=ALLOWED))

    assert judged.outcome is Outcome.FAIL


def test_a_refusal_proves_nothing_when_the_twin_is_refused_too() -> None:
    """A door that is closed to everybody is ERROR, never PASS."""
    judged = approached("door", lambda: acts("door", twin(away), [("look", lambda: REFUSED)], refusals=ALLOWED))

    assert judged.outcome is Outcome.ERROR


def test_a_refusal_that_was_not_declared_is_an_error() -> None:
    """Any other way of not being let in is ERROR."""
    judged = approached("door", lambda: acts("door", OK, [("look", lambda: Answer(kind="http 500"))], refusals=ALLOWED))

    assert judged.outcome is Outcome.ERROR


def test_a_server_that_is_down_is_an_error() -> None:
    """A plan that cannot be made, and an act that cannot be carried out, are ERROR."""
    during = approached("door", lambda: acts("door", OK, [("look", away)], refusals=ALLOWED))

    assert [approached("door", lambda: [away()]).outcome, during.outcome] == [Outcome.ERROR, Outcome.ERROR]  # type: ignore[list-item]


def test_private_values_are_recognised_in_answers() -> None:
    """An answer that holds a secret or a tenant's id shows something private."""
    ground = Ground(stack=bare(), ca="", canary="c1", tenant="t1", private=frozenset({"s3cret-value"}))

    assert [ground.shows_private(text) for text in ("{'a': 's3cret-value'}", "nothing")] == [True, False]
