"""A measurement is read from a finding as its control wrote it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.finding import Finding, Json
from constat.objective import measurement, promise
from constat.outcome import Outcome, Severity

FINDING = Finding(
    run_id="r",
    control="CHA-01",
    subject="rto",
    outcome=Outcome.PASS,
    severity=Severity.HIGH,
    title="t",
    reason="r",
    expected=promise("node_rto_seconds", 300.0),
    observed={"seconds": 21.7, "uncertainty": 0.2, "lost": 0},
    positive_control=None,
    started="2026-11-21T10:00:00Z",
    duration_s=1.0,
    target="t",
    provider="p",
    refs=(),
    remediation="Mend it.",
)


def test_a_measurement_has_promise_value_and_resolution() -> None:
    """What the control expected and observed comes back, with everything else as details."""
    found = measurement(FINDING)

    assert found is not None
    assert (found.objective, found.promised, found.measured, found.resolution) == ("node_rto_seconds", 300.0, 21.7, 0.2)
    assert found.details == {"lost": 0}


def test_a_retention_is_counted_in_days() -> None:
    """The unit is that of the promise."""
    found = measurement(replace(FINDING, expected=promise("retention_days", 30, unit="days"), observed={"days": 2.5}))

    assert found is not None
    assert (found.promised, found.measured, found.resolution) == (30.0, 2.5, None)


@pytest.mark.parametrize("observed", [{"seconds": "more than promised"}, {"seconds": True}, {}])
def test_what_is_no_number_was_not_measured(observed: Json) -> None:
    """A word in place of a number is never read as zero."""
    found = measurement(replace(FINDING, observed=observed))

    assert found is not None
    assert found.measured is None


@pytest.mark.parametrize(("expected", "observed"), [("x", "x"), ({"seconds": 1}, {"seconds": 1}), (promise("rto_seconds", 1), "text")])
def test_a_finding_that_judges_no_objective_is_no_measurement(expected: Json, observed: Json) -> None:
    """Only what names an objective and has observed something structured counts."""
    assert measurement(replace(FINDING, expected=expected, observed=observed)) is None
