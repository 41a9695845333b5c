"""A run directory is read back with what it did not reach, or refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from constat.errors import UserError
from constat.finding import digests
from constat.outcome import ExitCode, Outcome
from reports.run import CUT_SHORT, NOT_REACHED, NOT_SELECTED, Verdict, load_run
from tests.reports.platform_run import NEVER_REACHED, write_green, write_mixed
from tests.reports.sample import RUN_ID, Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path

ONE = Rule(id="TEN-PG-01", title="First.")
TWO = Rule(id="TEN-PG-02", title="Second.")


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.PASS, Verdict.PROVEN),
        (Outcome.NOT_APPLICABLE, Verdict.PROVEN),
        (Outcome.WAIVED, Verdict.PROVEN),
        (Outcome.NOT_REVIEWED, Verdict.NOT_PROVEN),
        (Outcome.INCONCLUSIVE, Verdict.NOT_PROVEN),
        (Outcome.ERROR, Verdict.NOT_PROVEN),
        (Outcome.FAIL, Verdict.FAILED),
    ],
)
def test_the_verdict_is_that_of_the_worst_control(tmp_path: Path, outcome: Outcome, verdict: Verdict) -> None:
    """One control that ends so beside one that passes decides the verdict."""
    seen = [Seen(control=ONE.id, subject="a"), Seen(control=TWO.id, subject="a", outcome=outcome)]
    run = load_run(write_run(tmp_path, [ONE, TWO], seen))

    assert run.verdict is verdict
    assert not run.was_interrupted


def test_the_exit_codes_are_the_verdicts(tmp_path: Path) -> None:
    """Proven is 0, failed 1, not proven 6."""
    green, mixed = load_run(write_green(tmp_path / "green")), load_run(write_mixed(tmp_path / "mixed"))
    empty = load_run(write_run(tmp_path / "empty", [ONE], []))

    assert [green.exit_code, mixed.exit_code, empty.exit_code] == [ExitCode.PROVEN, ExitCode.FAILED, ExitCode.NOT_PROVEN]


def test_a_run_without_controls_proves_nothing(tmp_path: Path) -> None:
    """Nothing selected is not proven."""
    assert load_run(write_run(tmp_path, [], [])).verdict is Verdict.NOT_PROVEN


def test_a_run_without_a_findings_file_proves_nothing(tmp_path: Path) -> None:
    """Killed before the first finding, it still has a plan, and every control of it is not reviewed."""
    write_run(tmp_path, [ONE, TWO], [])
    (tmp_path / "findings.jsonl").unlink()
    run = load_run(tmp_path)

    assert [(result.outcome, result.findings[0].reason) for result in run.results] == [(Outcome.NOT_REVIEWED, NOT_REACHED)] * 2
    assert run.verdict is Verdict.NOT_PROVEN


def test_what_a_killed_run_did_not_reach_is_not_reviewed(tmp_path: Path) -> None:
    """Controls of the plan without a finding say that the run ended before."""
    run = load_run(write_mixed(tmp_path))

    assert run.was_interrupted
    assert [run.by_control[name].findings[0].reason for name in NEVER_REACHED] == [NOT_REACHED] * 2
    assert [run.by_control[name].outcome for name in NEVER_REACHED] == [Outcome.NOT_REVIEWED] * 2


def test_the_control_that_a_kill_interrupted_does_not_pass(tmp_path: Path) -> None:
    """It may have had more subjects than it lived to name."""
    run = load_run(write_run(tmp_path, [ONE, TWO], [Seen(control=ONE.id, subject="a"), Seen(control=ONE.id, subject="b")]))

    assert run.by_control[ONE.id].outcome is Outcome.NOT_REVIEWED
    assert run.by_control[ONE.id].worst_findings[0].reason == CUT_SHORT


def test_the_interrupted_control_stays_red_when_it_was_red(tmp_path: Path) -> None:
    """What is added for a kill never hides a FAIL."""
    run = load_run(write_run(tmp_path, [ONE, TWO], [Seen(control=ONE.id, subject="a", outcome=Outcome.FAIL)]))

    assert run.by_control[ONE.id].outcome is Outcome.FAIL
    assert run.verdict is Verdict.FAILED


def test_a_run_that_marks_its_end_and_has_not_is_interrupted(tmp_path: Path) -> None:
    """Even with a finding for every control, the last one may be incomplete."""
    write_run(tmp_path, [ONE], [Seen(control=ONE.id, subject="a")])
    plan = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "marks_end": True}), "utf-8")
    killed = load_run(tmp_path)
    (tmp_path / "ended.json").write_text("{}", "utf-8")
    ended = load_run(tmp_path)

    assert (killed.was_interrupted, killed.verdict) == (True, Verdict.NOT_PROVEN)
    assert (ended.was_interrupted, ended.verdict) == (False, Verdict.PROVEN)


def test_a_torn_last_line_is_never_proven(tmp_path: Path) -> None:
    """Wherever a kill cuts the last line, inside a character too, the run is read and is not proven."""
    write_run(tmp_path, [ONE], [Seen(control=ONE.id, subject="a"), Seen(control=ONE.id, subject="b", reason="é")])
    whole = (tmp_path / "findings.jsonl").read_bytes()
    start = whole.index(b"\n") + 2
    verdicts = set()
    for length in range(start, len(whole)):
        (tmp_path / "findings.jsonl").write_bytes(whole[:length])
        verdicts.add(load_run(tmp_path).verdict)

    assert verdicts == {Verdict.NOT_PROVEN}


@pytest.mark.parametrize("file", ["findings.jsonl", "plan.json"])
def test_what_was_changed_after_the_end_is_refused(tmp_path: Path, file: str) -> None:
    """A red line that was taken out, a control that was dropped from the plan: the end has sealed both."""
    write_run(tmp_path, [ONE], [Seen(control=ONE.id, subject="a"), Seen(control=ONE.id, subject="b", outcome=Outcome.FAIL)])
    (tmp_path / "ended.json").write_text(json.dumps({"digests": digests(tmp_path)}), "utf-8")
    assert load_run(tmp_path).verdict is Verdict.FAILED

    lines = (tmp_path / file).read_text("utf-8").splitlines(keepends=True)
    (tmp_path / file).write_text("".join(lines[:-1]) if file == "findings.jsonl" else "".join(lines) + "\n", "utf-8")
    with pytest.raises(UserError, match=f"{file} of run .* is not what the run left"):
        load_run(tmp_path)


def test_a_run_that_stopped_before_its_first_control_says_why(tmp_path: Path) -> None:
    """What nobody reached carries the reason, where it is known."""
    write_run(tmp_path, [ONE], [])
    (tmp_path / "stopped.json").write_text(json.dumps({"reason": "the platform did not come up"}), "utf-8")

    assert load_run(tmp_path).by_control[ONE.id].findings[0].reason == "the platform did not come up"


def test_an_unselected_control_does_not_count(tmp_path: Path) -> None:
    """It is listed, with the reason, and the verdict does not rest on it."""
    left = Rule(id="TEN-PG-02", title="Second.", selected=False)
    run = load_run(write_run(tmp_path, [ONE, left], [Seen(control=ONE.id, subject="a")]))

    assert run.verdict is Verdict.PROVEN
    assert [(result.control.id, result.findings[0].reason) for result in run.not_selected] == [(left.id, NOT_SELECTED)]


@pytest.mark.parametrize(
    "rules", [[ONE], [ONE, Rule(id="XXX-01", title="Nobody planned this.", selected=False)]], ids=["unplanned", "unselected"]
)
def test_a_red_finding_counts_though_nobody_selected_its_control(tmp_path: Path, rules: list[Rule]) -> None:
    """A FAIL that the plan does not foresee fails the run."""
    seen = [Seen(control=ONE.id, subject="a"), Seen(control="XXX-01", subject="b", outcome=Outcome.FAIL)]
    run = load_run(write_run(tmp_path, rules, seen))

    assert run.verdict is Verdict.FAILED
    assert "XXX-01" in [result.control.id for results in run.by_family.values() for result in results]


def test_families_come_in_the_order_of_a_run(tmp_path: Path) -> None:
    """The families of a run stand in the order in which it runs them."""
    families = list(load_run(write_mixed(tmp_path)).by_family)

    assert families == ["contract", "hosts", "security", "tenancy", "observability", "backups", "load", "chaos"]


def test_the_end_is_that_of_the_last_finding(tmp_path: Path) -> None:
    """Seconds of the findings add up; without any, the run ended where it started."""
    seen = [Seen(control=ONE.id, subject="a", seconds=2.5), Seen(control=ONE.id, subject="b", seconds=1.5)]
    run, empty = load_run(write_run(tmp_path / "run", [ONE], seen)), load_run(write_run(tmp_path / "empty", [ONE], []))

    assert (run.ended - run.plan.started).total_seconds() == 4.0
    assert run.by_control[ONE.id].duration_s == 4.0
    assert empty.ended == empty.plan.started


def test_a_directory_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """The refusal says what was expected."""
    with pytest.raises(UserError, match=r"run '.*nowhere' does not exist; expected a directory"):
        load_run(tmp_path / "nowhere")


def test_a_directory_without_a_plan_is_not_a_run(tmp_path: Path) -> None:
    """The refusal names the file that is missing."""
    with pytest.raises(UserError, match=r"is not a run: plan.json is missing"):
        load_run(tmp_path)


@pytest.mark.parametrize("content", [b"", b'{"run_id": "x"', b"\xff\xfe"], ids=["empty", "torn", "not text"])
def test_a_torn_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    """What the run set out to prove is then unknown, and nothing is made up."""
    write_green(tmp_path)
    (tmp_path / "plan.json").write_bytes(content)

    with pytest.raises(UserError, match=r"torn or not JSON .*run again"):
        load_run(tmp_path)


def test_a_plan_of_another_version_is_refused(tmp_path: Path) -> None:
    """The refusal names every problem and the version that wrote the plan."""
    write_green(tmp_path)
    (tmp_path / "plan.json").write_text('{"constat_version": "9.9", "controls": [{"id": "A"}]}', "utf-8")

    with pytest.raises(UserError, match=r"written by constat '9.9'(?s:.)*run_id: Field required(?s:.)*controls.0.family: Field required"):
        load_run(tmp_path)


def test_a_plan_that_is_no_object_is_refused(tmp_path: Path) -> None:
    """A list is JSON, and no plan."""
    write_green(tmp_path)
    (tmp_path / "plan.json").write_text("[]", "utf-8")

    with pytest.raises(UserError, match=r"does not say which version wrote it"):
        load_run(tmp_path)


def test_a_plan_that_names_a_control_twice_is_refused(tmp_path: Path) -> None:
    """Which of the two a finding belongs to could not be told."""
    with pytest.raises(UserError, match=r"names control 'TEN-PG-01' twice"):
        load_run(write_run(tmp_path, [ONE, ONE], []))


def test_a_plan_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A directory in its place is not a plan."""
    (tmp_path / "plan.json").mkdir()

    with pytest.raises(UserError, match=r"plan.json' cannot be read"):
        load_run(tmp_path)


def test_findings_of_another_run_are_refused(tmp_path: Path) -> None:
    """Two runs in one directory prove nothing about either."""
    write_green(tmp_path)
    path = tmp_path / "findings.jsonl"
    path.write_text(path.read_text("utf-8").replace(RUN_ID, "another", 1), "utf-8")

    with pytest.raises(UserError, match=r"has findings of run 'another', expected '20261121"):
        load_run(tmp_path)


@pytest.mark.parametrize("torn", ['{"half": ', '"started": "yesterday"'], ids=["a line in the middle", "a moment"])
def test_damaged_findings_are_refused(tmp_path: Path, torn: str) -> None:
    """Damage anywhere but at the end is no kill, and such a file proves nothing."""
    write_green(tmp_path)
    path = tmp_path / "findings.jsonl"
    lines = path.read_text("utf-8").replace('"started": "2026-11-21T10:00:00Z"', torn, 1)
    path.write_text(lines, "utf-8")

    with pytest.raises(UserError, match=r"run again"):
        load_run(tmp_path)
