"""Allure tells the same story as the findings, or the guard says where it does not."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from constat.errors import HarnessError, UserError
from constat.outcome import Outcome, worst
from reports.allure import CONTROL_LABEL, STATUSES, guard, history_id, render, step_name
from reports.run import Result, load_run
from tests.reports.platform_run import NEVER_REACHED, write_green, write_mixed
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Story = dict[str, Any]
# What Allure 3.18.0 writes into every page.
CALL_HOME = """<html><head><title>x</title></head><body><script>app()</script>
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
        gtag('js', new Date());
    </script><script>more()</script></body></html>"""


def story(result: Result) -> Story:
    """What the Allure plugin writes for a control."""
    return {
        "name": result.control.id,
        "status": STATUSES[worst(row.outcome for row in result.found)],
        "historyId": history_id(result.control.id),
        "labels": [{"name": CONTROL_LABEL, "value": result.control.id}],
        "steps": [{"name": step_name(row), "status": STATUSES[row.outcome]} for row in result.found],
    }


def tell(directory: Path, change: Callable[[Story], object] = lambda _: None) -> Path:
    """Write Allure results that agree with the findings, each changed by `change`."""
    results = directory / "allure-results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    for result in load_run(directory).results:
        if result.is_reached:
            told = story(result)
            change(told)
            (results / f"{result.control.id}-result.json").write_text(json.dumps(told), "utf-8")
    return directory


def of_one(directory: Path, change: Callable[[Story], object]) -> list[str]:
    """What the guard says of a run of one red and one green subject, told with this change."""
    seen = [Seen(control="TEN-PG-01", subject="users"), Seen(control="TEN-PG-01", subject="prices", outcome=Outcome.FAIL)]
    return guard(tell(write_run(directory, [Rule(id="TEN-PG-01", title="First.")], seen), change))


def test_results_that_agree_have_no_problems(tmp_path: Path) -> None:
    """A whole run, and hostile subjects, are told as they are."""
    hostile = [Seen(control="TEN-PG-01", subject="<script>\x1b\u202e\x00")]

    assert guard(tell(write_green(tmp_path / "green"))) == []
    assert guard(tell(write_run(tmp_path / "one", [Rule(id="TEN-PG-01", title="First.")], hostile))) == []


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_has_its_status(tmp_path: Path, outcome: Outcome) -> None:
    """A status that belongs to another outcome is a difference."""
    write_run(tmp_path, [Rule(id="TEN-PG-01", title="First.")], [Seen(control="TEN-PG-01", subject="a", outcome=outcome)])
    wrong = "passed" if outcome is not Outcome.PASS else "skipped"

    assert guard(tell(tmp_path)) == []
    assert guard(tell(tmp_path, lambda told: told.update(status=wrong))) == [
        f"control TEN-PG-01: Allure says {wrong!r}, the findings {STATUSES[outcome]!r}"
    ]


def test_a_control_without_a_result_is_named(tmp_path: Path) -> None:
    """Also one that a killed run did not reach: Allure would show fewer controls than were selected."""
    assert guard(tell(write_mixed(tmp_path))) == [f"control {name}: 0 Allure results, expected one" for name in NEVER_REACHED]


def test_a_control_with_two_results_is_named(tmp_path: Path) -> None:
    """A control is one item."""
    tell(write_green(tmp_path))
    shutil.copy(tmp_path / "allure-results/TEN-PG-01-result.json", tmp_path / "allure-results/again-result.json")

    assert guard(tmp_path) == ["control TEN-PG-01: 2 Allure results, expected one"]


def test_every_control_has_its_own_history(tmp_path: Path) -> None:
    """An id that is shared, or that follows the test's name, is a difference."""
    found = of_one(tmp_path, lambda told: told.update(historyId="0"))

    assert found == [f"control TEN-PG-01: history id '0', expected {history_id('TEN-PG-01')!r}"]


def test_every_finding_is_a_step(tmp_path: Path) -> None:
    """A finding without its step is named, and so is a step without a finding."""
    lost = of_one(tmp_path / "lost", lambda told: told["steps"].pop())
    extra = of_one(tmp_path / "extra", lambda told: told["steps"].append({"name": "other", "status": "failed"}))
    wrong = of_one(tmp_path / "wrong", lambda told: told["steps"][1].update(status="passed"))

    assert lost == ["control TEN-PG-01: the finding on 'prices' (failed) has no step in Allure"]
    assert extra == ["control TEN-PG-01: Allure's step 'other' (failed) has no finding"]
    assert len(wrong) == 2


def test_a_result_of_no_control_is_named(tmp_path: Path) -> None:
    """A result without the label, or of a control that the run does not know, is a difference."""
    without = of_one(tmp_path / "without", lambda told: told.update(labels=[]))
    stranger = of_one(tmp_path / "stranger", lambda told: told.update(labels=[{"name": CONTROL_LABEL, "value": "XXX-01"}]))

    assert without[0] == "allure result 'TEN-PG-01' belongs to no control, expected a label 'control'"
    assert stranger[-1] == "control XXX-01: Allure has a result of it, the run has neither planned nor found it"


@pytest.mark.parametrize("content", ["", "[]", '{"labels": 1}', "\udc80"])
def test_a_torn_result_is_named(tmp_path: Path, content: str) -> None:
    """It is no result, and the guard goes on."""
    tell(write_green(tmp_path))
    (tmp_path / "allure-results/TEN-PG-01-result.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    first, second = guard(tmp_path)

    assert first.startswith("allure result 'TEN-PG-01-result.json' cannot be read")
    assert second == "control TEN-PG-01: 0 Allure results, expected one"


def test_a_run_without_allure_results_differs_in_every_control(tmp_path: Path) -> None:
    """No results at all are not agreement."""
    run = load_run(write_green(tmp_path))

    assert len(guard(tmp_path)) == len(run.judged)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is the whole PATH but for the shell's own tools."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def put(directory: Path, name: str, *, version: str = "3.18.0", ends_with: int = 0, page: str = CALL_HOME) -> None:
    """Put a stand-in for Allure there: it answers --version, else writes `page` where --output says."""
    page_file = directory / f"{name}.html"
    page_file.write_text(page, "utf-8")
    script = f"""#!/bin/sh
if [ "$1" = --version ]; then echo {version}; exit 0; fi
echo "{name} $*" >> {directory}/asked
while [ $# -gt 0 ]; do [ "$1" = --output ] && out="$2"; shift; done
[ {ends_with} = 0 ] || {{ echo "it broke" >&2; exit {ends_with}; }}
/bin/mkdir -p "$out" && /bin/cp {page_file} "$out/index.html"
"""
    (directory / name).write_text(script, "utf-8")
    (directory / name).chmod(0o755)


def test_without_node_the_message_says_how_to_get_it(tmp_path: Path, programs: Path) -> None:
    """Neither program on PATH: one message, with the remedy."""
    tell(write_green(tmp_path / "run"))

    with pytest.raises(UserError, match=r"neither `allure` 3 nor `npx` .* run `apt-get install nodejs npm`"):
        render(tmp_path / "run")


def test_without_results_the_message_says_what_is_missing(tmp_path: Path) -> None:
    """There is nothing to render."""
    with pytest.raises(UserError, match=r"has no allure-results/"):
        render(write_green(tmp_path))


def test_the_page_no_longer_calls_home(tmp_path: Path, programs: Path) -> None:
    """Allure's call to Google is taken out, its own scripts stay, and a policy forbids what is left."""
    put(programs, "allure")
    content = render(tell(write_green(tmp_path / "run"))).read_text("utf-8")

    assert "google" not in content
    assert "gtag" not in content
    assert ("app()" in content, "more()" in content) == (True, True)
    assert "Content-Security-Policy" in content


def test_a_page_that_still_calls_home_is_not_kept(tmp_path: Path, programs: Path) -> None:
    """Another version may write it another way; that is our problem, and no report is left."""
    put(programs, "allure", page="<html><head></head><img src='//www.googletagmanager.com/x'></html>")
    tell(write_green(tmp_path / "run"))

    with pytest.raises(HarnessError, match="could not be taken out"):
        render(tmp_path / "run")
    assert not (tmp_path / "run/allure-report").exists()


def test_an_older_allure_is_passed_over_for_npx(tmp_path: Path, programs: Path) -> None:
    """Allure 2 has the same name; npx brings the version that is pinned."""
    put(programs, "allure", version="2.30.0")
    put(programs, "npx")
    render(tell(write_green(tmp_path / "run")))

    assert (programs / "asked").read_text("utf-8").startswith("npx --yes allure@3.18.0 generate ")


def test_a_report_is_replaced_and_nothing_else_is_left(tmp_path: Path, programs: Path) -> None:
    """A second rendering takes the place of the first."""
    put(programs, "allure")
    run = tell(write_green(tmp_path / "run"))
    first = render(run)
    (first.parent / "stale").touch()
    second = render(run)

    assert first == second
    assert [path.name for path in second.parent.iterdir()] == ["index.html"]
    assert sorted(path.name for path in run.iterdir()) == ["allure-report", "allure-results", "findings.jsonl", "plan.json"]


def test_an_allure_that_fails_is_quoted(tmp_path: Path, programs: Path) -> None:
    """Its exit code and last words are in the message, and the command to try."""
    put(programs, "allure", ends_with=3)
    tell(write_green(tmp_path / "run"))

    with pytest.raises(UserError, match=r"Allure ended with 3, expected a report; its last words: 'it broke'; try `.*allure generate"):
        render(tmp_path / "run")


def test_an_allure_that_cannot_be_started_is_one_message(tmp_path: Path, programs: Path) -> None:
    """A program that is none is no traceback."""
    for name in ("allure", "npx"):
        (programs / name).write_bytes(b"\x00")
        (programs / name).chmod(0o755)
    tell(write_green(tmp_path / "run"))

    with pytest.raises(UserError, match="Allure did not run"):
        render(tmp_path / "run")
