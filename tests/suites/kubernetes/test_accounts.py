"""What an account is granted, and what it did, is judged together."""

from __future__ import annotations

import pytest

from constat.attempt import Answer
from constat.outcome import Outcome
from suites.kubernetes.acts import ADMITTED, REFUSED, Ground, escalating, listing
from suites.kubernetes.test_accounts import Seen, beyond, judge, judge_twins

YES, NO = Answer(kind=ADMITTED), Answer(kind=REFUSED)
GROUND = Ground(namespace="viridial", image="constat/any:1", machine="worker", account="default", pod="p")


@pytest.mark.parametrize(
    ("granted", "acts", "outcome"),
    [
        ((), {"a": NO, "b": NO}, Outcome.PASS),
        ((), {"a": NO, "b": YES}, Outcome.FAIL),
        (("get secrets in viridial",), {"a": NO}, Outcome.FAIL),
        # A token that is not taken for one is refused everything, and that says nothing.
        ((), {"a": Answer(kind="http 401")}, Outcome.ERROR),
        ((), {}, Outcome.ERROR),
    ],
)
def test_an_account_is_judged_by_both(granted: tuple[str, ...], acts: dict[str, Answer], outcome: Outcome) -> None:
    """Only one that is granted nothing, and was refused everything for its rights, passes."""
    assert judge(Seen(name="n/a", granted=granted, acts=acts)).outcome is outcome


def test_what_everybody_is_granted_is_no_finding() -> None:
    """Reviews of oneself, discovery and health."""
    status = {
        "resourceRules": [{"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectrulesreviews"]}],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/version", "/healthz"]}],
    }

    assert list(beyond(status, "n")) == []


@pytest.mark.parametrize(
    "rule",
    [
        {"verbs": ["create"], "resources": ["subjectaccessreviews"]},
        {"verbs": ["get"], "resources": ["selfsubjectreviews"]},
        {"verbs": ["*"], "resources": ["*"]},
        {"verbs": ["get"], "resources": ["secrets"], "resourceNames": ["one"]},
    ],
)
def test_whatever_else_is_granted_is_one(rule: dict[str, list[str]]) -> None:
    """Also what looks like it, and what is bound to one name."""
    assert len(list(beyond({"resourceRules": [rule]}, "n"))) == 1


def test_a_path_beyond_the_public_ones_is_one() -> None:
    """Figures and files of the API server are not everybody's."""
    rule = {"verbs": ["get"], "nonResourceURLs": ["/version", "/metrics"]}

    assert list(beyond({"nonResourceRules": [rule]}, "n")) == ["get /version, /metrics"]


def test_an_administrator_who_is_refused_proves_nothing() -> None:
    """The twin of each act is let do it, or the act is none."""
    assert judge_twins({"a": YES, "b": YES}).outcome is Outcome.PASS
    assert judge_twins({"a": YES, "b": NO}).outcome is Outcome.ERROR
    assert judge_twins({}).outcome is Outcome.ERROR


def test_no_act_is_carried_out() -> None:
    """Whatever would change something is a dry run, or names what is not there, or never begins."""
    changing = [act for act in escalating(GROUND) if act.method != "GET"]

    assert len({act.what for act in escalating(GROUND)}) == len(escalating(GROUND))
    assert all(act.params == {"dryRun": "All"} for act in changing if not act.path.endswith(("/exec", "/attach", "/portforward")))
    assert all(act.path.endswith("/constat") for act in changing if act.method == "DELETE")


def test_every_collection_is_read_where_it_is() -> None:
    """Of a namespace or of the cluster; what cannot be listed, and parts of objects, are not."""
    resources = [
        {"name": "pods", "namespaced": True, "verbs": ["list"]},
        {"name": "pods/log", "namespaced": True, "verbs": ["get"]},
        {"name": "nodes", "namespaced": False, "verbs": ["list"]},
        {"name": "bindings", "namespaced": True, "verbs": ["create"]},
    ]

    assert [act.path for act in listing(resources, "/api/v1", "n")] == ["/api/v1/namespaces/n/pods", "/api/v1/nodes"]
    assert [act.path for act in listing(resources, "/api/v1", "")] == ["/api/v1/pods", "/api/v1/nodes"]
