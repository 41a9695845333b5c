"""Two runs side by side: what went red, what was mended, what was lost from sight."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from constat.outcome import Outcome
from reports.compare import CHANGES, compare, to_html, to_json, to_text
from reports.run import Run, load_run
from tests.reports.platform_run import write_green, write_mixed
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path

ONE = Rule(id="TEN-PG-01", title="First.")
TWO = Rule(id="TEN-PG-02", title="Second.")
P, F, E, N, W = Outcome.PASS, Outcome.FAIL, Outcome.ERROR, Outcome.NOT_REVIEWED, Outcome.WAIVED


@pytest.fixture
def a_run(tmp_path: Path) -> RunOf:
    """Make runs of control ONE from the outcomes of its subjects."""
    return RunOf(tmp_path)


class RunOf:
    """Writes and reads a run a call."""

    def __init__(self, directory: Path) -> None:
        """Write below this directory."""
        self._directory = directory
        self._count = 0

    def __call__(self, *rules: Rule, **outcomes: Outcome) -> Run:
        """Return a run in which these subjects of ONE ended so."""
        self._count += 1
        seen = [Seen(control=ONE.id, subject=name, outcome=outcome) for name, outcome in outcomes.items()]
        return load_run(write_run(self._directory / str(self._count), list(rules) or [ONE], seen))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (P, F, "new"),
        (E, F, "new"),
        (W, F, "new"),
        (F, F, "still_red"),
        (F, P, "fixed"),
        (F, W, "newly_excused"),
        (F, Outcome.NOT_APPLICABLE, "newly_excused"),
        (F, E, "newly_not_proven"),
        (P, E, "newly_not_proven"),
        (P, N, "newly_not_proven"),
        (P, Outcome.INCONCLUSIVE, "newly_not_proven"),
        (E, N, "still_not_proven"),
        (P, P, None),
        (E, P, None),
        (W, P, None),
    ],
)
def test_each_change_has_its_list(a_run: RunOf, before: Outcome, after: Outcome, expected: str | None) -> None:
    """A subject that ended otherwise is in one list, with both outcomes."""
    comparison = compare(a_run(a=before), a_run(a=after))
    lists = {name: [(row.subject, row.before, row.after) for row in getattr(comparison, name)] for name in CHANGES}

    assert {name: rows for name, rows in lists.items() if rows} == ({expected: [("a", before, after)]} if expected else {})


def test_a_new_subject_that_is_red_went_red(a_run: RunOf) -> None:
    """A table added since, and not protected, is new."""
    comparison = compare(a_run(a=P), a_run(a=P, b=F))

    assert [(row.subject, row.before, row.after) for row in comparison.new] == [("b", None, F)]


def test_a_subject_that_vanished_is_gone(a_run: RunOf) -> None:
    """It is neither fixed nor red: nobody can look at it again."""
    comparison = compare(a_run(a=P, b=F, c=P), a_run(a=P))

    assert [(row.subject, row.before, row.after) for row in comparison.gone] == [("b", F, None), ("c", P, None)]
    assert comparison.fixed == ()


def test_a_red_that_nobody_looked_at_again_is_not_fixed(a_run: RunOf) -> None:
    """The new run was killed before it, or left its control out."""
    red = a_run(ONE, TWO, a=F)
    killed, left_out = a_run(ONE, TWO), a_run(TWO)

    for now in (killed, left_out):
        comparison = compare(red, now)
        assert ("a", F, None) in [(row.subject, row.before, row.after) for row in comparison.newly_not_proven]
        assert comparison.fixed == ()
        assert comparison.is_worse


def test_a_killed_run_is_one_line_a_control(a_run: RunOf) -> None:
    """A control that passed and was not reached now is newly not proven, once."""
    comparison = compare(a_run(a=P, b=P, c=P), a_run())

    assert [(row.subject, row.before, row.after) for row in comparison.newly_not_proven] == [("(control)", P, N)]
    assert comparison.gone == ()


def test_a_control_that_had_failed_as_a_whole_is_fixed_when_it_passes(a_run: RunOf) -> None:
    """Its subjects are named now, and all of them pass."""
    comparison = compare(a_run(**{"(control)": F}), a_run(a=P))

    assert [row.control for row in comparison.fixed] == [ONE.id]


def test_what_was_not_reached_before_and_fails_to_look_now_is_not_new(a_run: RunOf) -> None:
    """It was not proven then either."""
    comparison = compare(a_run(), a_run(a=E))

    assert [row.before for row in comparison.still_not_proven] == [N]
    assert comparison.newly_not_proven == ()


def test_controls_that_were_added_or_removed_are_named(a_run: RunOf) -> None:
    """A control that is no longer run makes a run worse: that is how a red turns invisible."""
    with_two, without = a_run(ONE, TWO, a=P), a_run(ONE, a=P)
    left_out = a_run(ONE, replace(TWO, selected=False), a=P)

    assert [control.id for control in compare(without, with_two).added] == [TWO.id]
    assert [control.id for control in compare(with_two, without).removed] == [TWO.id]
    assert [control.id for control in compare(with_two, left_out).removed] == [TWO.id]
    assert compare(with_two, without).is_worse


def test_the_worst_finding_of_a_subject_counts(tmp_path: Path) -> None:
    """A subject that was judged twice is as bad as the worse time."""
    seen = [Seen(control=ONE.id, subject="a", outcome=outcome) for outcome in (P, F, P)]
    green = load_run(write_run(tmp_path / "green", [ONE], [Seen(control=ONE.id, subject="a")]))

    assert len(compare(green, load_run(write_run(tmp_path / "red", [ONE], seen))).new) == 1


def test_the_judgement_is_said(a_run: RunOf) -> None:
    """Worse, better, as before, or nothing that matters."""
    last = {
        name: to_text(compare(a_run(a=before), a_run(a=after))).splitlines()[-1]
        for name, before, after in (("worse", P, F), ("better", F, P), ("same", F, F), ("nothing", P, P))
    }

    assert last["worse"] == "Worse than before."
    assert last["better"] == "Better than before."
    assert last["same"] == "As before."
    assert last["nothing"].startswith("No difference that matters")


def test_runs_of_different_targets_say_so(a_run: RunOf) -> None:
    """A difference of circumstances is said before any other."""
    old, new = a_run(a=P), a_run(a=P)
    moved = replace(new, plan=replace(new.plan, target="elsewhere"))
    comparison = compare(old, moved)

    assert [(row.what, row.old, row.new) for row in comparison.differs] == [("target", "embedded", "elsewhere")]
    assert "The runs differ in target: embedded before, elsewhere now." in to_text(comparison)
    assert compare(old, new).differs == ()


def test_the_three_renderings_agree(tmp_path: Path) -> None:
    """Text, JSON and page name the same changes, and always with the same bytes."""
    green, mixed = load_run(write_green(tmp_path / "green")), load_run(write_mixed(tmp_path / "mixed"))
    comparison = compare(green, mixed)
    document = json.loads(to_json(comparison))
    page, text = to_html(comparison).decode(), to_text(comparison)

    assert document["worse"] is True
    assert document["after"] == {"run_id": mixed.plan.run_id, "verdict": "FAILED"}
    assert [row["subject"] for row in document["new"]] == [row.subject for row in comparison.new]
    assert [row.subject for row in comparison.new if row.subject not in page or row.subject not in text] == []
    assert to_html(compare(green, mixed)) == to_html(comparison)
    assert '<html lang="fr">' in to_html(comparison, "fr").decode()


def test_a_hostile_string_is_not_obeyed(tmp_path: Path) -> None:
    """Neither the page nor the terminal does what a subject's name says."""
    text = "<script>alert(1)</script>\x1b[2J\nProven"
    red = load_run(write_run(tmp_path / "red", [ONE], [Seen(control=ONE.id, subject=text, outcome=F)]))
    comparison = compare(load_run(write_run(tmp_path / "none", [ONE], [])), red)

    assert b"<script" not in to_html(comparison)
    assert "\x1b" not in to_text(comparison)
    assert [line for line in to_text(comparison).splitlines() if line.startswith("Proven")] == []
