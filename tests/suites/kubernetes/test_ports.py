"""What listens in a pod is held against the table, both ways."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.outcome import Outcome, worst
from constat.stack import Listener
from suites.kubernetes.test_ports import judge, judged
from tests.suites.kubernetes.test_matrix import CACHE, LABEL, LISTENERS, process
from tests.suites.kubernetes.test_runtime import CONFINED


@pytest.mark.parametrize(
    ("listens", "outcome"),
    [
        ({("tcp", 6379)}, Outcome.PASS),
        ({("tcp", 6379), ("tcp", 9999)}, Outcome.FAIL),
        ({("tcp", 6379), ("udp", 6379)}, Outcome.FAIL),
        (set(), Outcome.FAIL),
    ],
)
def test_more_and_less_than_declared_fail(listens: set[tuple[str, int]], outcome: Outcome) -> None:
    """By port and protocol."""
    seen = replace(CONFINED, listens=frozenset(listens))

    assert judge("p", frozenset({"tcp 6379"}), [seen]).outcome is outcome


def test_a_pod_of_nobody_may_not_listen() -> None:
    """Nothing was declared of it."""
    stranger = replace(CACHE, labels={})

    assert next(judged(LISTENERS, LABEL, [stranger], {"c1": (process("c1", 6379),)})).outcome is Outcome.FAIL


def test_what_nobody_saw_is_no_pass() -> None:
    """Neither a pod whose processes no machine shows, nor a node that has no pod."""
    other = Listener(node="gone", name="x", port=1, tls=True, protocol="https")
    found = list(judged((*LISTENERS, other), LABEL, [CACHE], {}))

    assert [judgement.outcome for judgement in found] == [Outcome.ERROR, Outcome.FAIL, Outcome.NOT_REVIEWED]
    assert worst(judgement.outcome for judgement in judged((), LABEL, [], {})) is Outcome.NOT_REVIEWED
