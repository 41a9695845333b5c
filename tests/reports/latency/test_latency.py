"""The pictures of a load run: from what the generator really keeps, whatever was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.outcome import Outcome
from load.judging import judgements
from reports import html
from reports.latency import figures
from reports.latency.charts import distribution, heat_map, instrument
from reports.latency.samples import CONTROL, Measured, Promise, Sample, runs
from reports.messages import messages
from reports.run import Result, Run, load_run
from tests.load.runs import CALIBRATED, failed, on_time, run, slow
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from load.plan import Arrival
    from load.samples import Row

WORDS = messages()
LATENCIES = st.floats(0.0, 30.0) | st.just(math.inf)
SAMPLES = st.lists(
    st.builds(Sample, st.floats(0.0, 120.0), st.sampled_from(["read", CONTROL]), st.floats(0.0, 5.0), LATENCIES), min_size=1, max_size=40
)


def kept(directory: Path, become: Callable[[Arrival], Row] = on_time) -> Run:
    """A run on disk, with the evidence that the load family leaves."""
    judged = judgements(run(become), calibration=CALIBRATED, gateway_url="https://127.0.0.1:8443")
    evidence = {one.name: one.content for one in judged[0].evidence}
    seen = [Seen(control="LOA-01", subject=one.subject, outcome=one.outcome, observed=one.observed) for one in judged]
    first = Seen(control="LOA-01", subject="total", outcome=judged[0].outcome, evidence=evidence)
    return load_run(write_run(directory, [Rule(id="LOA-01", title="Latency.")], [first, *seen[1:]]))


def measured(result: Result, samples: list[Sample]) -> Measured:
    """What such a run has measured."""
    promised = (Promise("p95", 0.2, 0.05), Promise("mean", 0.1, 0.0))
    ordered = tuple(sorted(samples))
    return Measured(result=result, sentence="", samples=ordered, gates=(), promises=promised, warmup=5.0, control_delay=0.02)


def places(picture: str) -> list[tuple[float, float]]:
    """Both places of everything drawn; the picture is well-formed."""
    root = ET.fromstring(picture)  # noqa: S314 - our own picture
    corners = [(element.get(f"x{end}"), element.get(f"y{end}")) for element in root.iter() for end in ("", "1", "2")]
    points = [tuple(pair.split(",")) for element in root.iter() for pair in (element.get("points") or "").split()]
    return [(float(x), float(y)) for x, y in [*corners, *points] if x is not None and y is not None]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A control that measured."""
    return kept(tmp_path_factory.mktemp("run")).judged[0]


def test_what_the_generator_keeps_can_be_read(tmp_path: Path) -> None:
    """Every request comes back with its latency, the failed one as endless, and every gate with its word."""
    (found,) = runs(kept(tmp_path, lambda arrival: failed(arrival, "status 500") if arrival.operation == "list" else slow(arrival)))

    assert isinstance(found, Measured)
    assert {math.isinf(one.latency) for one in found.samples if one.operation == "list"} == {True}
    assert {round(one.latency, 3) for one in found.judged() if one.operation != "list"} == {0.5}
    assert {gate.name for gate in found.gates} >= {"schedule kept", "control stream"}
    assert [gate.holds for gate in found.gates if gate.name == "control stream"] == [False]


@given(samples=SAMPLES)
def test_nothing_is_drawn_outside_of_a_picture(result: Result, samples: list[Sample]) -> None:
    """Whatever was measured: nothing at all after the warm-up, all of it failed, all at once."""
    for draw in (heat_map, distribution, instrument):
        picture = draw(measured(result, samples), WORDS)
        root = ET.fromstring(picture)  # noqa: S314 - our own picture
        width, height = float(root.get("width", 0)), float(root.get("height", 0))
        assert all(0 <= x <= width and 0 <= y <= height for x, y in places(picture))


def test_slow_requests_are_red_above_the_promise_and_only_there(result: Result) -> None:
    """The same picture without a slow request has no red cell."""
    quick = [Sample(6.0 + n / 100, "read", 0.001, 0.02) for n in range(500)]

    assert "#b3261e" not in "".join(part for part in heat_map(measured(result, quick), WORDS).split("<") if part.startswith("rect"))
    late = [*quick, Sample(8.0, "read", 0.001, 0.9)]
    assert "#b3261e" in "".join(part for part in heat_map(measured(result, late), WORDS).split("<") if part.startswith("rect"))


def test_the_report_shows_the_run_in_both_languages(tmp_path: Path) -> None:
    """The sentence, three pictures, and the gates."""
    found = kept(tmp_path)

    for lang in ("en", "fr"):
        page = html.render(found, lang).decode()
        assert page.count('<svg class="chart"') == 3
        assert "Under open Poisson arrivals at 300 requests a second" in page
        assert "loop heartbeat" in page


def test_data_that_cannot_be_read_is_said_and_breaks_nothing(tmp_path: Path) -> None:
    """Another version's columns are not drawn; the report names the control and why."""
    evidence = {"statement.txt": "said", "samples.csv": "a,b\n1,2\n", "plan.json": "{}", "gates.csv": "gate\n"}
    seen = [Seen(control="LOA-01", subject="total", outcome=Outcome.FAIL, evidence=evidence)]
    found = load_run(write_run(tmp_path, [Rule(id="LOA-01", title="Latency.")], seen))

    assert [one.unread for one in figures(found, WORDS)] == ["KeyError: 'promises'"]
    assert "cannot be drawn: KeyError" in html.render(found).decode()


def test_a_run_without_load_says_so(tmp_path: Path) -> None:
    """Nothing is drawn of nothing."""
    found = load_run(write_run(tmp_path, [Rule(id="TEN-PG-01", title="Rows.")], [Seen(control="TEN-PG-01", subject="a")]))

    assert figures(found, WORDS) == ()
    assert WORDS("latency.none") in html.render(found).decode()
