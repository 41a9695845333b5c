"""Drift, judged from two tables."""

from __future__ import annotations

import pytest

from constat.outcome import Outcome, worst
from suites.contract.drift import judge_settings, judge_tables

DECLARED = {"fsync": "on", "relation viridial leads": '{"log": "p"}'}


@pytest.mark.parametrize(
    ("observed", "outcome"),
    [
        (DECLARED, Outcome.PASS),
        (DECLARED | {"fsync": "off"}, Outcome.FAIL),
        ({"fsync": "on"}, Outcome.FAIL),
        ({}, Outcome.FAIL),
        (DECLARED | {"login ops.rolsuper": "true"}, Outcome.FAIL),
        (DECLARED | {"relation viridial leads": '{"log": "u"}'}, Outcome.FAIL),
        (DECLARED | {"relation viridial visits": '{"log": "p"}'}, Outcome.PASS),
        (DECLARED | {"queue t1/t1.exports": "{}"}, Outcome.PASS),
    ],
)
def test_every_setting_is_as_declared_and_there_is_no_other(observed: dict[str, str], outcome: Outcome) -> None:
    """But for what tenants and migrations add."""
    assert judge_settings("server", DECLARED, observed).outcome is outcome


def test_a_finding_names_the_setting_and_both_values() -> None:
    """And nothing that is as it should be."""
    judged = judge_settings("server", DECLARED, DECLARED | {"fsync": "off"})

    assert (judged.expected, judged.observed) == ({"fsync": "on"}, {"fsync": "off"})
    assert "fsync" in judged.reason


def test_nothing_declared_is_no_proof() -> None:
    """Neither for one subject nor for all."""
    assert judge_settings("server", {}, {}).outcome is Outcome.ERROR
    assert worst(judgement.outcome for judgement in judge_tables({}, {}, {}, what="servers")) is not Outcome.PASS


@pytest.mark.parametrize(
    ("observed", "silent", "outcome"),
    [
        ({"cache": {"a": "1"}}, {}, Outcome.PASS),
        ({}, {"cache": "down"}, Outcome.ERROR),
        ({}, {}, Outcome.FAIL),
        ({"cache": {"a": "1"}, "broker": {"b": "1"}}, {}, Outcome.ERROR),
    ],
)
def test_every_subject_of_either_side_is_judged(observed: dict[str, dict[str, str]], silent: dict[str, str], outcome: Outcome) -> None:
    """A server that does not answer, one that is gone, and one of which nothing was declared."""
    assert worst(judgement.outcome for judgement in judge_tables({"cache": {"a": "1"}}, observed, silent, what="servers")) is outcome
