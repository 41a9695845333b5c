"""The matrix of isolation: what findings carry, and what is derived from those that carry nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constat.finding import Finding
from constat.outcome import Outcome, Severity
from constat.trial import Act, Trial, gathered
from reports.html import matrix_page, render
from reports.matrix import State, act_of, actor_of, matrix, state_of, trials
from reports.run import load_run
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path


def finding(control: str = "TEN-PG-01", subject: str = "public.leads", outcome: Outcome = Outcome.PASS, **more: Any) -> Finding:
    """A finding about tenants."""
    fields: dict[str, Any] = {
        "title": "No row of another tenant is read from any relation.",
        "reason": "refused",
        "expected": None,
        "observed": None,
    }
    return Finding(
        run_id="run",
        control=control,
        subject=subject,
        outcome=outcome,
        severity=Severity.CRITICAL,
        positive_control=None,
        started="2026-11-21T10:00:00Z",
        duration_s=0.1,
        target="embedded",
        provider="embedded",
        refs=(),
        remediation="Mend it.",
        **(fields | more),
    )


def test_a_trial_is_a_cell() -> None:
    """What a finding says itself is what the matrix shows."""
    said = Trial(actor="forger", store="broker", act=Act.IMPERSONATE, outcome=Outcome.FAIL, count=7)

    cell = matrix([finding("TEN-BRO-01", outcome=Outcome.FAIL, trials=(said,))]).cells["broker", "forger", Act.IMPERSONATE]

    assert (cell.state, cell.counts[State.LEAKED], cell.controls) == (State.LEAKED, 7, ("TEN-BRO-01",))


def test_acts_are_derived_from_what_was_observed() -> None:
    """The act that the reason begins with leaked; those that were refused as declared were denied."""
    seen = {"read by key": ["ok"], "delete by key": ["zero rows"], "change without a context": ["sqlstate 42501"]}
    found = finding(
        outcome=Outcome.FAIL, reason="read by key: the answer shows it", expected=["sqlstate 42501", "zero rows"], observed=seen
    )

    cells = matrix([found]).cells

    assert cells["database", "tenant", Act.SEE].state is State.LEAKED
    assert cells["database", "tenant", Act.DESTROY].state is State.DENIED
    assert cells["database", "login without a context", Act.CHANGE].state is State.DENIED


def test_what_could_not_be_looked_at_is_never_denied() -> None:
    """Only a pass is a denial."""
    assert {state_of(outcome) for outcome in Outcome if outcome is not Outcome.PASS} == {State.LEAKED, State.OPEN}


def test_one_leak_among_many_denials_is_a_leak() -> None:
    """A cell is as bad as its worst trial."""
    many = [finding(subject=f"public.table_{number}") for number in range(50)]

    assert matrix([*many, finding(outcome=Outcome.FAIL)]).cells["database", "tenant", Act.SEE].state is State.LEAKED


def test_other_families_are_not_in_it() -> None:
    """The matrix is about tenants."""
    assert matrix([finding("SEC-ANO-01", outcome=Outcome.FAIL)]).rows == ()


def test_coverage_is_told_by_store_with_what_was_left_out() -> None:
    """How much there is, how much was attacked, and why the rest was not."""
    found = [
        finding(subject="coverage", outcome=Outcome.NOT_REVIEWED, expected=3, observed=2),
        finding(outcome=Outcome.NOT_REVIEWED, reason="no key"),
    ]

    (reach,) = matrix(found).reach

    assert (reach.store, reach.known, reach.attacked, reach.left_out) == ("database", 3, 2, (("public.leads", "no key"),))


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("lock", Act.BLOCK),
        ("move everything", Act.CHANGE),
        ("hset", Act.CHANGE),
        ("put_object", Act.CHANGE),
        ("set role", Act.IMPERSONATE),
        ("purge the queue", Act.DESTROY),
        ("getdel", Act.DESTROY),
        ("list with prefix", Act.SEE),
        ("", Act.SEE),
    ],
)
def test_a_word_says_which_act_it_was(text: str, act: Act) -> None:
    """The first word that says so, else the claim's."""
    assert act_of(text, finding()) is act


def test_a_word_says_who_acted() -> None:
    """A tenant, where nobody else is named."""
    assert actor_of("anonymous GET", finding()) == "anonymous"
    assert actor_of("GET", finding()) == "tenant"


def test_a_trial_survives_the_file() -> None:
    """Written and read back it is the same; a file of before has none."""
    one = finding(trials=(Trial(actor="tenant", store="cache", act=Act.BLOCK, outcome=Outcome.ERROR, count=2),))

    assert Finding.from_json(one.to_json()) == one
    before = {name: value for name, value in json.loads(one.to_json()).items() if name != "trials"}
    assert Finding.from_json(json.dumps(before)).trials == ()


def test_trials_of_a_cell_are_gathered() -> None:
    """The worst outcome, and all of the tries."""
    one = Trial(actor="tenant", store="cache", act=Act.SEE, outcome=Outcome.PASS, count=3)
    other = Trial(actor="tenant", store="cache", act=Act.SEE, outcome=Outcome.FAIL)

    assert gathered([one, other]) == (Trial(actor="tenant", store="cache", act=Act.SEE, outcome=Outcome.FAIL, count=4),)


def test_not_applicable_is_no_trial() -> None:
    """What does not apply was not tried."""
    assert trials(finding(outcome=Outcome.NOT_APPLICABLE)) == ()


def test_the_report_shows_it_with_each_leak_to_paste(tmp_path: Path) -> None:
    """In both languages, with the reproduction that was kept and nothing of a hostile name obeyed."""
    rule = Rule(id="TEN-PG-01", title="No row of another tenant is read.", severity=Severity.CRITICAL)
    leak = Seen(
        control=rule.id, subject="<b>leads</b>", outcome=Outcome.FAIL, reason="read", evidence={"reproduction.sh": "curl -i $BASE/leads"}
    )
    run = load_run(write_run(tmp_path / "run", [rule], [leak]))

    english, french = render(run, "en").decode(), render(run, "fr").decode()

    assert "Isolation of tenants" in english
    assert "fuite" in french
    assert "curl -i $BASE/leads" in english
    assert "<b>leads</b>" not in english


def test_a_page_of_its_own_opens_by_itself() -> None:
    """As Allure gets it: whole, and asking for nothing."""
    page = matrix_page(matrix([finding()])).decode()

    assert page.startswith("<!DOCTYPE html>")
    assert "http://" not in page.replace("http://www.w3.org", "")
