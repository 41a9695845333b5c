"""Whatever the findings are, every red one is in every report, and no verdict is better than they are."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from constat.outcome import Outcome, exit_code
from reports import html, junit, summary
from reports.compare import compare
from reports.printable import printable
from reports.run import Run, Verdict, load_run
from reports.table import print_verdict
from tests.reports.sample import Rule, Seen, write_run
from tests.reports.test_html import Page

if TYPE_CHECKING:
    import pytest

CONTROLS = ("TEN-PG-01", "TEN-PG-02", "SEC-TLS-01", "XXX-99")
RULES = st.lists(st.sampled_from(CONTROLS), unique=True).flatmap(
    lambda ids: st.tuples(*(st.builds(Rule, id=st.just(name), title=st.text(min_size=1), selected=st.booleans()) for name in ids))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)
SEEN = st.builds(
    Seen,
    control=st.sampled_from(CONTROLS),
    subject=st.text(min_size=1).filter(lambda text: not text.isspace()),
    outcome=st.just(Outcome.FAIL) | st.sampled_from(Outcome),
    reason=st.text(),
    expected=JSON,
    observed=JSON,
    positive_control=st.none() | st.text(),
    seconds=st.floats(min_value=0, max_value=1e6),
)


def a_run(directories: pytest.TempPathFactory, rules: tuple[Rule, ...], seen: list[Seen]) -> Run:
    """Write a run to disk and read it back."""
    return load_run(write_run(directories.mktemp("run"), list(rules), seen))


def parsed(run: Run) -> ET.Element:
    """Parse the JUnit report of a run."""
    return ET.fromstring(junit.render(run))  # noqa: S314  made by us a moment ago


def terminal(run: Run) -> str:
    """What is printed of a run without a terminal."""
    stream = io.StringIO()
    print_verdict(run, Console(file=stream, width=80))
    return stream.getvalue()


@settings(deadline=None, max_examples=60)
@given(rules=RULES, seen=st.lists(SEEN, max_size=8))
@example(
    rules=(Rule(id="TEN-PG-01", title="0"),),
    seen=[Seen(control="TEN-PG-01", subject="0", outcome=Outcome.FAIL, expected=True, observed={"": []})],
)
@example(rules=(), seen=[Seen(control=f"TEN-PG-{n % 20}", subject=f"table {n}", outcome=Outcome.FAIL) for n in range(200)])
def test_every_red_finding_is_in_every_report(tmp_path_factory: pytest.TempPathFactory, rules: tuple[Rule, ...], seen: list[Seen]) -> None:
    """HTML, JUnit, summary and terminal each name every subject that failed."""
    run = a_run(tmp_path_factory, rules, seen)
    red = [(row.control, row.subject) for row in seen if row.outcome is Outcome.FAIL]
    page = Page(html.render(run))
    failures = ["".join(element.itertext()) for element in parsed(run).iter("failure")]
    printed = terminal(run)

    assert sorted((row["control"], row["subject"]) for row in json.loads(summary.render(run))["failed"]) == sorted(red)
    assert [row.subject for row in seen if row.control in run.by_control and printable(row.subject) not in page.text] == []
    assert [item for item in red if not any(f"{item[0]} on {printable(item[1])}: FAIL" in text for text in failures)] == []
    assert [subject for _, subject in red if printable(subject.replace("\n", " ").replace("\t", " ")) not in printed] == []
    assert len([1 for tag, attributes in page.elements if tag == "div" and attributes.get("class") == "subject"]) == len(red)


@settings(deadline=None, max_examples=60)
@given(rules=RULES, seen=st.lists(SEEN, max_size=8))
def test_no_report_is_better_than_the_findings(tmp_path_factory: pytest.TempPathFactory, rules: tuple[Rule, ...], seen: list[Seen]) -> None:
    """The verdict is at least as bad as the findings, and green only where every selected control was looked at."""
    run = a_run(tmp_path_factory, rules, seen)
    root = parsed(run)
    reached = {row.control for row in seen}

    assert run.verdict is Verdict.FAILED or not any(row.outcome is Outcome.FAIL for row in seen)
    assert run.exit_code != 0 or exit_code(row.outcome for row in seen) == 0
    assert run.exit_code != 0 or all(rule.id in reached for rule in rules if rule.selected)
    assert (int(root.get("failures", "")) + int(root.get("errors", "")) == 0) == (run.exit_code == 0)
    assert json.loads(summary.render(run))["exit_code"] == run.exit_code


@settings(deadline=None, max_examples=40)
@given(old=st.lists(SEEN, max_size=6), new=st.lists(SEEN, max_size=6))
def test_a_comparison_loses_no_red(tmp_path_factory: pytest.TempPathFactory, old: list[Seen], new: list[Seen]) -> None:
    """What is red now is new or still red; what was red is in a list of its own, whatever became of it."""
    before, after = a_run(tmp_path_factory, (), old), a_run(tmp_path_factory, (), new)
    comparison = compare(before, after)
    red_now = {(row.control, row.subject) for row in new if row.outcome is Outcome.FAIL}
    red_then = {(row.control, row.subject) for row in old if row.outcome is Outcome.FAIL}
    told = [comparison.still_red, comparison.fixed, comparison.newly_excused, comparison.newly_not_proven, comparison.gone]

    assert {(row.control, row.subject) for row in (*comparison.new, *comparison.still_red)} == red_now
    assert red_then <= {(row.control, row.subject) for rows in told for row in rows}
