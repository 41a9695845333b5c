"""What the generator leaves is read back as it was, and its own stalls are taken off where they fell."""

from __future__ import annotations

import dataclasses
import math

import pytest

from constat.clock import monotonic
from load.operations import OK
from load.plan import Arrival
from load.samples import UNSENT, Left, Measured, Row, Sample, Stall, Watch, measured, pooled, to_csv, to_document
from tests.load.stubbed import plan

ARRIVALS = [Arrival(1.5, "read", "t1"), Arrival(2.0, "list", "t10"), Arrival(3.0, "read", "t1")]
ROWS = [Row(1.501, 1.6, OK), Row(2.4, 2.5, "status 500"), None]


def read_back() -> Measured:
    """A run of three requests: one right, one that failed and was late, one never sent."""
    watch = Watch(stalls=(Stall(1.55, 0.02), Stall(1.9, 0.5)), cpu=(0.2,))
    return measured(plan(rate=1, seconds=3), ARRIVALS, left(watch))


def left(watch: Watch) -> Left:
    """What a child left that was born a second after it was started."""
    born = monotonic()
    document = to_document(ROWS, watch, born=born, undisturbed=True, core=1)
    return Left(document=document, started=born - 1, ended=monotonic(), stolen=0.0)


def test_latency_counts_from_the_intended_start() -> None:
    """A request that was sent late was late for whoever waited for it."""
    first, second, third = read_back().samples

    assert first.latency == pytest.approx(0.1)
    assert second.lag == pytest.approx(0.4)
    assert second.latency == math.inf
    assert third.row.result == UNSENT
    assert third.latency == math.inf


def test_an_excuse_is_what_a_stall_and_a_request_have_in_common() -> None:
    """Only the part of a stall between the intended start and the end is taken off."""
    first, second, third = read_back().samples

    assert first.excuse == pytest.approx(0.02)
    assert second.excuse == pytest.approx(0.4)
    assert third.excuse == 0


def test_the_window_leaves_the_warm_up_out() -> None:
    """What was intended before the end of the warm-up is not judged."""
    early = Sample(Arrival(0.9, "read", "t1"), Row(0.9, 0.95, OK))
    run = read_back()
    both = dataclasses.replace(run, samples=(early, *run.samples))

    assert early not in both.window(lambda _: True)
    assert len(both.window(lambda _: True)) == 3
    assert len(both.window(lambda arrival: arrival.tenant == "t1")) == 2


def test_rows_of_another_schedule_are_refused() -> None:
    """A file with more or fewer rows than arrivals proves nothing."""
    with pytest.raises(ValueError, match="longer"):
        measured(plan(rate=1, seconds=3), ARRIVALS[:2], left(Watch(stalls=(), cpu=())))


def test_the_table_has_every_request() -> None:
    """One line a request, with what was intended and what became of it."""
    lines = to_csv(read_back().samples).splitlines()

    assert lines[0].startswith("intended_s,operation,tenant")
    assert lines[2] == "2.000000,list,t10,400.000,500.000,status 500"
    assert lines[3].endswith("inf,inf,unsent")


def test_the_childs_clock_is_read_against_its_parents() -> None:
    """What lies between birth and first reading, last reading and end, is kept."""
    (seen,) = read_back().outside

    assert seen.before == pytest.approx(1.0)
    assert 0 <= seen.after < 1


def test_stages_are_pooled_without_their_warm_ups() -> None:
    """The second stage's requests follow the first's; what it did to warm up is kept, and not judged."""
    early = Sample(Arrival(0.9, "read", "t1"), Row(0.9, 0.95, OK))
    one = read_back()
    both = pooled(one, dataclasses.replace(one, samples=(early, *one.samples), undisturbed=False))

    assert (both.plan.duration, both.plan.stages, both.undisturbed) == (6, 2, False)
    assert [sample.latency for sample in both.window(lambda _: True)] == pytest.approx([s.latency for s in one.samples] * 2)
    assert early in both.samples
    assert len(both.outside) == 2
    assert max(sample.arrival.offset for sample in both.samples) <= both.plan.length
