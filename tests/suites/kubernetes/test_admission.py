"""What a namespace admitted and refused is judged as it was."""

from __future__ import annotations

import json

import pytest

from constat.attempt import Answer
from constat.observe.http import Reply
from constat.outcome import Outcome
from suites.kubernetes.test_admission import ADMITTED, REFUSED, answer, judge
from suites.kubernetes.violations import EPHEMERAL, OF_CONTAINER, OF_POD, compliant, debugging, violating

IMAGE = "constat/any:1"
IN, OUT = Answer(kind=ADMITTED), Answer(kind=REFUSED)


def reply(status: int, message: str = "") -> Reply:
    """What the API server answers."""
    return Reply(status=status, headers={}, body=json.dumps({"message": message}).encode())


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (reply(201), ADMITTED),
        (reply(403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged'), REFUSED),
        (reply(403, 'pods "x" is forbidden: exceeded quota: bounds'), "http 403"),
        (reply(422, "invalid"), "http 422"),
    ],
)
def test_only_the_standards_own_refusal_counts(given: Reply, kind: str) -> None:
    """Refused by a quota, or for being no pod at all, is not refused by the standard."""
    assert answer(given).kind == kind


@pytest.mark.parametrize(
    ("twins", "tried", "outcome"),
    [
        ({"a pod": IN}, {"a": OUT, "b": OUT}, Outcome.PASS),
        ({"a pod": IN}, {"a": OUT, "b": IN}, Outcome.FAIL),
        ({"a pod": OUT}, {"a": OUT}, Outcome.ERROR),
        ({"a pod": IN}, {"a": Answer(kind="http 422")}, Outcome.ERROR),
        ({"a pod": IN}, {}, Outcome.ERROR),
        # What is admitted is, whatever happens to the twin.
        ({"a pod": Answer(kind="http 403")}, {"a": IN}, Outcome.FAIL),
    ],
)
def test_a_namespace_is_judged_by_what_it_admits(twins: dict[str, Answer], tried: dict[str, Answer], outcome: Outcome) -> None:
    """Everything forbidden refused and the twin admitted is a PASS, and nothing else is."""
    assert judge("viridial", twins, tried).outcome is outcome


def test_every_violation_is_one_step_from_a_pod_that_keeps_the_standard() -> None:
    """Each differs from the compliant pod, and from each other, and stands at every place where a container may."""
    pods = violating("name", IMAGE)
    told = [json.dumps(pod, sort_keys=True) for pod in pods.values()]

    assert len(pods) == len(OF_POD) + 2 * len(OF_CONTAINER)
    assert len(set(told)) == len(told)
    assert json.dumps(compliant("name", IMAGE), sort_keys=True) not in told
    assert all(what.endswith(EPHEMERAL) for what in debugging(IMAGE))


def test_making_violations_leaves_the_compliant_pod_alone() -> None:
    """No change of one reaches another by what they share."""
    before = compliant("name", IMAGE)
    violating("name", IMAGE)

    assert compliant("name", IMAGE) == before
