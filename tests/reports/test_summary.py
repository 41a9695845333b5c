"""summary.json says in figures what the findings say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from constat.outcome import Outcome
from reports.run import load_run
from reports.summary import render, summary
from tests.reports.platform_run import FORGOTTEN, PLATFORM, write_green, write_mixed
from tests.reports.sample import RUN_ID, Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path


def test_it_names_the_run(tmp_path: Path) -> None:
    """Run, target, provider, start and end are those of the plan and the findings."""
    figures = summary(load_run(write_green(tmp_path)))

    assert (figures["run_id"], figures["target"], figures["provider"]) == (RUN_ID, "embedded", "embedded")
    assert figures["started"] == "2026-11-21T10:00:00.000Z"
    assert figures["ended"] > figures["started"]


def test_it_counts_controls_by_outcome(tmp_path: Path) -> None:
    """Every outcome has a count, and the counts add up to the controls that were judged."""
    run = load_run(write_mixed(tmp_path))
    figures = summary(run)

    assert figures["outcomes"] == {
        "PASS": 16,
        "NOT_APPLICABLE": 1,
        "WAIVED": 1,
        "NOT_REVIEWED": 3,
        "INCONCLUSIVE": 1,
        "ERROR": 1,
        "FAIL": 3,
    }
    assert sum(figures["outcomes"].values()) == len(run.judged)
    assert (figures["verdict"], figures["exit_code"], figures["interrupted"]) == ("FAILED", 1, True)


def test_coverage_says_what_was_planned_and_reached(tmp_path: Path) -> None:
    """A control's own account of its reach is passed through as it is."""
    coverage = summary(load_run(write_mixed(tmp_path)))["coverage"]
    reach: dict[str, Any] = next(row for row in coverage["enumerated"] if row["control"] == "TEN-PG-03")

    assert coverage["controls"] == {"planned": 27, "selected": 26, "reached": 24}
    assert (reach["expected"], reach["observed"], reach["outcome"]) == (7, 6, "NOT_REVIEWED")
    assert reach["reason"].startswith("attacked 6 of 7 relations")


def test_reach_is_not_a_subject(tmp_path: Path) -> None:
    """What a finding says of the whole, the target or the reach is not counted as something tried."""
    rule = Rule(id="TEN-PG-01", title="First.")
    seen = [Seen(control=rule.id, subject=name) for name in ("a", "a", "b", "coverage", "(control)", "(target)")]

    assert summary(load_run(write_run(tmp_path, [rule], seen)))["coverage"]["subjects"] == 2


def test_versions_come_from_the_control_that_asked(tmp_path: Path) -> None:
    """Each component's version is what was observed; nobody asked, none is claimed."""
    asked = summary(load_run(write_green(tmp_path / "asked")))
    not_asked = summary(load_run(write_run(tmp_path / "not", [], [])))

    assert asked["versions"] == PLATFORM["versions"]
    assert not_asked["versions"] == {}


def test_families_have_their_seconds_and_counts(tmp_path: Path) -> None:
    """The durations of a family are the sum of its findings'."""
    families = summary(load_run(write_mixed(tmp_path)))["families"]

    assert families["load"] == {
        "outcome": "INCONCLUSIVE",
        "controls": 1,
        "outcomes": {outcome.value: int(outcome is Outcome.INCONCLUSIVE) for outcome in Outcome},
        "duration_s": 36,
    }


def test_a_promise_is_as_good_as_its_worst_control(tmp_path: Path) -> None:
    """A promise that no control judges is not reviewed, and half a promise is not kept."""
    promises = summary(load_run(write_mixed(tmp_path)))["promises"]

    assert promises["isolation.database"] == {"outcome": "FAIL", "controls": ["TEN-PG-01", "TEN-PG-02", "TEN-PG-03"]}
    assert promises["dr.objectives"]["outcome"] == "NOT_REVIEWED"
    assert promises[FORGOTTEN] == {"outcome": "NOT_REVIEWED", "controls": []}
    assert promises["versions"]["outcome"] == "PASS"


def test_a_promise_of_a_control_that_was_left_out_is_not_reviewed(tmp_path: Path) -> None:
    """The other control's pass does not stand for the one that was not selected."""
    rules = [Rule(id="TEN-PG-01", title="First.", promises=("p",)), Rule(id="SEC-PG-01", title="Second.", promises=("p",), selected=False)]
    figures = summary(load_run(write_run(tmp_path, rules, [Seen(control="TEN-PG-01", subject="a")])))

    assert figures["verdict"] == "PROVEN"
    assert figures["promises"]["p"]["outcome"] == "NOT_REVIEWED"


def test_evidence_that_was_tampered_with_is_named(tmp_path: Path) -> None:
    """Files that are gone or changed after the run are listed by path."""
    write_mixed(tmp_path)
    kept = sorted(path for path in (tmp_path / "evidence").rglob("*") if path.is_file())
    kept[0].unlink()
    kept[1].write_text("something else", "utf-8")
    evidence = summary(load_run(tmp_path))["evidence"]

    assert evidence["files"] == 3
    assert sorted(evidence["problems"].values()) == ["ALTERED", "MISSING"]


def test_it_is_json_with_stable_bytes(tmp_path: Path) -> None:
    """The same run gives the same bytes."""
    write_mixed(tmp_path)
    first, second = render(load_run(tmp_path)), render(load_run(tmp_path))

    assert first == second
    assert json.loads(first)["run_id"] == RUN_ID
