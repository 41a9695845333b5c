"""junit.xml cannot be read as greener than the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import pytest

from constat.outcome import Outcome
from reports.junit import render
from reports.run import Verdict, load_run
from tests.reports.platform_run import write_green, write_mixed
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path

ONE = Rule(id="TEN-PG-01", title="First.")
# The part of the xUnit schema that Jenkins' plugin checks: (attributes, required ones, children).
SCHEMA: Final[dict[str, tuple[set[str], set[str], set[str]]]] = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        {"name", "tests", "failures", "errors"},
        {"properties", "testcase"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "testcase": ({"name", "classname", "time"}, {"name"}, {"failure", "error", "skipped"}),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
}


def read(directory: Path) -> ET.Element:
    """Parse the report of a run."""
    return ET.fromstring(render(load_run(directory)))  # noqa: S314  made by us a moment ago


def schema_problems(element: ET.Element) -> list[str]:
    """What the schema does not allow, in this element and below it."""
    attributes, required, children = SCHEMA[element.tag]
    found = [f"{element.tag}: attribute {name}" for name in set(element.keys()) - attributes | required - set(element.keys())]
    found += [f"{element.tag}: child {child.tag}" for child in element if child.tag not in children]
    return found + [problem for child in element for problem in schema_problems(child)]


@pytest.mark.parametrize(
    ("outcome", "element"),
    [
        (Outcome.PASS, None),
        (Outcome.NOT_APPLICABLE, "skipped"),
        (Outcome.WAIVED, "skipped"),
        (Outcome.NOT_REVIEWED, "error"),
        (Outcome.INCONCLUSIVE, "error"),
        (Outcome.ERROR, "error"),
        (Outcome.FAIL, "failure"),
    ],
)
def test_each_outcome_has_its_element(tmp_path: Path, outcome: Outcome, element: str | None) -> None:
    """The element carries the outcome and the reason."""
    seen = [Seen(control=ONE.id, subject="users", outcome=outcome, reason="because")]
    case = read(write_run(tmp_path, [ONE], seen)).find(".//testcase")

    assert case is not None
    assert [child.tag for child in case] == ([element] if element else [])
    assert [(child.get("type"), child.get("message")) for child in case] == ([(outcome.value, "users: because")] if element else [])


@pytest.mark.parametrize("outcome", Outcome)
def test_failures_and_errors_are_none_only_when_proven(tmp_path: Path, outcome: Outcome) -> None:
    """A consumer that adds failures and errors up sees zero for verdict PROVEN alone."""
    write_run(tmp_path, [ONE], [Seen(control=ONE.id, subject="a", outcome=outcome)])
    root = read(tmp_path)
    bad = int(root.get("failures", "")) + int(root.get("errors", ""))

    assert (bad == 0) == (load_run(tmp_path).verdict is Verdict.PROVEN)


def test_a_run_without_controls_is_an_error(tmp_path: Path) -> None:
    """No test case at all would read as green, so one says that nothing was proven."""
    root = read(write_run(tmp_path, [], []))

    assert (root.get("tests"), root.get("errors")) == ("1", "1")
    assert schema_problems(root) == []


def test_a_run_of_nothing_but_unselected_controls_is_an_error(tmp_path: Path) -> None:
    """Skipped test cases do not make a green of it."""
    root = read(write_run(tmp_path, [Rule(id="TEN-PG-01", title="First.", selected=False)], []))

    assert (root.get("tests"), root.get("errors")) == ("2", "1")


def test_a_killed_run_is_an_error_for_each_control_that_it_did_not_reach(tmp_path: Path) -> None:
    """The controls that were not reached, and the one that was cut short, are errors."""
    root = read(write_mixed(tmp_path))
    chaos = root.find("testsuite[@name='chaos']")

    assert chaos is not None
    assert (chaos.get("tests"), chaos.get("errors")) == ("3", "3")


def test_a_control_that_was_left_out_is_skipped(tmp_path: Path) -> None:
    """It is there, with the reason, and no error."""
    rules = [ONE, Rule(id="KUB-NET-01", title="Second.", selected=False)]
    root = read(write_run(tmp_path, rules, [Seen(control=ONE.id, subject="a")]))
    skipped = root.find("testsuite[@name='kubernetes']/testcase/skipped")

    assert skipped is not None
    assert skipped.get("message") == "(control): not selected for this run"
    assert (root.get("failures"), root.get("errors")) == ("0", "0")


def test_one_suite_a_family_and_one_case_a_control(tmp_path: Path) -> None:
    """The suites are the families, the cases the controls, and the totals are theirs."""
    write_mixed(tmp_path)
    run, root = load_run(tmp_path), read(tmp_path)

    assert [suite.get("name") for suite in root] == [*run.by_family, "kubernetes"]
    assert sorted(str(case.get("name")).split()[0] for case in root.iter("testcase")) == sorted(run.by_control)
    assert root.get("failures") == str(len(list(root.iter("failure")))) == "3"
    assert root.get("errors") == str(len(list(root.iter("error")))) == "5"


@pytest.mark.parametrize("write", [write_green, write_mixed])
def test_it_keeps_to_the_schema(tmp_path: Path, write: object) -> None:
    """Every element and attribute is one that CI servers know."""
    assert callable(write)
    assert schema_problems(read(write(tmp_path))) == []


def test_the_schema_check_would_notice() -> None:
    """An attribute, a child and a lack that the schema does not allow are each named."""
    wrong = ET.fromstring("<testsuites mood='good'><testsuite name='x' tests='0' failures='0'><failure/></testsuite></testsuites>")  # noqa: S314  written above

    assert sorted(schema_problems(wrong)) == ["testsuite: attribute errors", "testsuite: child failure", "testsuites: attribute mood"]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of today gets into the report."""
    write_mixed(tmp_path)

    assert render(load_run(tmp_path)) == render(load_run(tmp_path))
