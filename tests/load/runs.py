"""Load runs made by hand, for judging without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from load.gates import Gate
from load.operations import OK
from load.plan import CONTROL, Plan, schedule
from load.samples import Measured, Outside, Row, Sample, Watch
from tests.load.stubbed import plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from load.plan import Arrival

QUICK = 0.010
CALIBRATED = Gate(name="calibration", required="right", seen="right", holds=True)


def on_time(arrival: Arrival) -> Row:
    """Sent when it was due, answered rightly: the control stream after its delay, the rest quickly."""
    took = 0.021 if arrival.operation == CONTROL else QUICK
    return Row(arrival.offset + 0.001, arrival.offset + took, OK)


def run(
    become: Callable[[Arrival], Row] = on_time,
    *,
    watch: Watch | None = None,
    planned: Plan | None = None,
    excuse: Callable[[Arrival], float] = lambda _: 0.0,
    outside: tuple[Outside, ...] = (Outside(before=1.2, after=0.2, stolen=0.0),),
) -> Measured:
    """A run in which each arrival became what `become` says."""
    planned = planned or plan(rate=300, seconds=10)
    return Measured(
        plan=planned,
        samples=tuple(Sample(arrival, become(arrival), excuse(arrival)) for arrival in schedule(planned)),
        watch=watch or Watch(stalls=(), cpu=(0.1,) * 10),
        outside=outside,
        undisturbed=True,
        core=0,
    )


def slow(arrival: Arrival, seconds: float = 0.5) -> Row:
    """Sent when it was due, answered rightly but late."""
    return on_time(arrival)._replace(done=arrival.offset + seconds)


def failed(arrival: Arrival, result: str) -> Row:
    """Sent when it was due, ended at once in another way."""
    return on_time(arrival)._replace(result=result)
