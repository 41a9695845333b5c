"""What stands in the store is judged by its first bytes, and only when the store could be read."""

from __future__ import annotations

import base64

import pytest

from constat.errors import Unobservable
from constat.observe.etcd import SECRETS, Kept
from constat.outcome import Outcome
from suites.kubernetes.test_secrets import Seen, judge, judged

CANARY = "canary-0123456789"
SEALED = b"k8s:enc:secretbox:v1:constat:\x8f\x02"


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (SEALED, Outcome.PASS),
        (b"k8s:enc:kms:v2:vault:\x00", Outcome.PASS),
        (b"k8s\x00\n\x0c\n\x02v1\x12\x06Secret", Outcome.FAIL),
        (b'{"kind":"Secret"}', Outcome.FAIL),
        (b"k8s:enc:identity:v1::", Outcome.FAIL),
        (SEALED + CANARY.encode(), Outcome.FAIL),
        (SEALED + base64.b64encode(CANARY.encode()), Outcome.FAIL),
        (b"", Outcome.FAIL),
    ],
)
def test_a_secret_is_judged_by_how_it_is_kept(value: bytes, outcome: Outcome) -> None:
    """Behind the mark of a provider that encrypts, and without the canary."""
    assert judge("n/s", Kept(f"{SECRETS}n/s", value), CANARY).outcome is outcome


def seen(*, readable: bool = True, listed: frozenset[str] = frozenset({"n/s"})) -> Seen:
    """A store with one Secret."""
    return Seen(secrets=(Kept(f"{SECRETS}n/s", SEALED),), listed=listed, canary=CANARY, readable=readable)


def test_a_store_that_shows_nothing_at_all_proves_nothing() -> None:
    """Where not even what is no secret can be read, nobody has looked."""
    with pytest.raises(Unobservable):
        list(judged(seen(readable=False)))


def test_a_secret_that_the_store_does_not_show_is_said() -> None:
    """The API lists it, so it is kept somewhere."""
    found = list(judged(seen(listed=frozenset({"n/s", "n/other"}))))

    assert [judgement.outcome for judgement in found] == [Outcome.PASS, Outcome.NOT_REVIEWED]
    assert "n/other" in found[1].reason
