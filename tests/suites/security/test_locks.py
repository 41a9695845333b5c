"""What anybody would try, and how many tries that is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.outcome import Outcome
from suites.security.approach import approached
from suites.security.locks import DEFAULTS, Lock, each, guesses
from suites.security.test_credentials import enumerated

WRONG = Answer(kind="wrong password")


def lock(opens: str) -> Lock:
    """A lock of user `monitor` that opens with that password."""

    def tried(user: str, guess: str) -> Answer:
        return Answer(kind="ok", shown=user) if guess == opens else WRONG

    return Lock(
        subject="login monitor",
        pairs=guesses("monitor"),
        way=each(tried),
        twin=lambda: Answer(kind="ok"),
        refusals=frozenset({WRONG.kind}),
    )


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_the_name_itself_and_the_servers_word_are_tried(user: str, word: str) -> None:
    """Whatever the name, it is its own first guess; no guess is made twice, and there are few."""
    tried = [guess for _, guess in guesses(user, word)]

    assert tried[0] == user
    assert word in tried
    assert len(tried) == len(set(tried)) <= 10


def test_a_lock_that_opens_with_its_own_name_fails() -> None:
    """The first guess that opens it is named."""
    judged = approached("login monitor", lock("monitor").approach)

    assert (judged.outcome, judged.reason) == (Outcome.FAIL, "'monitor' with 'monitor': was let in")


def test_a_lock_that_nothing_opens_passes() -> None:
    """A generated password withstands every guess."""
    assert approached("login monitor", lock("jV3-k8d_0aQ").approach).outcome is Outcome.PASS


def test_a_store_that_does_not_list_its_logins_is_an_error() -> None:
    """What cannot be enumerated is named, and does not hide the others."""

    def blind() -> list[Lock]:
        msg = "connection refused"
        raise Unobservable(msg)

    found, unseen = enumerated({"cache": blind, "broker": lambda: [lock("x")]})

    assert [len(found), *(f"{judgement.subject} {judgement.outcome}" for judgement in unseen)] == [1, "cache ERROR"]


def test_vendors_defaults_are_pairs() -> None:
    """Each default is a user and a password, and none is there twice."""
    assert all(len(pairs) == len(set(pairs)) for pairs in DEFAULTS.values())
