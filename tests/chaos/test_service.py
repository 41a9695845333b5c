"""When service was back: not with the first answer, but when it stays."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.history import Told
from chaos.service import outages, restored
from tests.chaos.worlds import FAULT, NEW, World, Write, failing, steady


@settings(max_examples=25, deadline=None)
@given(st.floats(min_value=1.0, max_value=15.0))
def test_service_is_back_when_writes_keep_succeeding(down: float) -> None:
    """The moment is the start of the stable stretch, within the pace of the writers."""
    world = failing(steady(per_second=16, before=2.0, down=down, after=12.0), FAULT, FAULT + down - 0.1)

    back = restored(world.history, since=FAULT, stable=10.0, now=FAULT + down + 12.0)

    assert back is not None
    assert 0 <= back - (FAULT + down) <= 0.5


def test_it_is_not_back_before_the_stretch_is_over() -> None:
    """Nine good seconds are not ten."""
    world = failing(steady(down=5.0, after=9.0), FAULT, FAULT + 5.0)

    assert restored(world.history, since=FAULT, stable=10.0, now=FAULT + 14.0) is None


def test_a_relapse_begins_the_stretch_anew() -> None:
    """Service that fails again was not back."""
    world = failing(failing(steady(down=5.0, after=30.0), FAULT, FAULT + 4.9), FAULT + 12.0, FAULT + 12.5)

    back = restored(world.history, since=FAULT, stable=10.0, now=FAULT + 35.0)

    assert back is not None
    assert back >= FAULT + 12.5 - 0.1


def test_one_tenant_without_service_is_no_service() -> None:
    """As long as one tenant is refused, service is not back, however well the other is served."""
    world = failing(steady(down=5.0, after=30.0), FAULT, FAULT + 20.0, tenants=("t10",))

    back = restored(world.history, since=FAULT, stable=10.0, now=FAULT + 35.0)

    assert back is not None
    assert back > FAULT + 18.0


def test_a_silent_tenant_is_no_service() -> None:
    """A tenant that has no acknowledgement at all after the fault is not served."""
    world = steady(down=5.0, after=30.0)
    silent = replace(world, writes=tuple(write for write in world.writes if write.tenant == "t1" or write.at < FAULT))

    assert restored(silent.history, since=FAULT, stable=10.0, now=FAULT + 35.0) is None


def test_a_slow_answer_is_no_service() -> None:
    """A write that takes seconds interrupts the stretch although it succeeds."""
    world = steady(down=5.0, after=30.0)
    slow = replace(world, writes=(*world.writes, Write("t1", "drill-t1-9", 0, FAULT + 10.0, took=4.0, server=NEW)))

    back = restored(slow.history, since=FAULT, stable=10.0, now=FAULT + 35.0)

    assert back is not None
    assert back >= FAULT + 14.0


def test_a_write_that_hangs_still_is_no_service() -> None:
    """A write without an answer counts against service as soon as it is slow."""
    world = steady(down=5.0, after=12.0)
    history = world.history
    hanging = replace(history.operations[-1], seq=10_000, invoked=FAULT + 8.0, ended=None, told=Told.UNKNOWN, server=None)

    assert restored(replace(history, operations=(*history.operations, hanging)), since=FAULT, stable=10.0, now=FAULT + 17.0) is None


def test_a_trickle_is_no_service() -> None:
    """A stretch with a handful of writes proves nothing."""
    writes = tuple(Write(t, f"drill-{t}-0", n, FAULT + 5 + n * 2, server=NEW) for t in ("t1", "t10") for n in range(10))

    assert restored(World(writes).history, since=FAULT, stable=10.0, now=FAULT + 30.0) is None


def test_outages_end_with_the_next_acknowledgement() -> None:
    """Each tenant's outage runs from the first bad write's invocation to its next good answer."""
    world = failing(steady(per_second=16, down=5.0, after=10.0), FAULT + 0.1, FAULT + 4.9, tenants=("t1",), told=Told.UNKNOWN)

    (outage,) = outages(world.history, since=FAULT)

    assert outage.tenant == "t1"
    assert outage.began == FAULT + 0.1
    assert 4.5 < outage.seconds < 5.5


def test_without_a_bad_write_there_is_no_outage() -> None:
    """A fault that nobody noticed leaves no outage: the drill must doubt that it hit anything."""
    assert outages(steady(after=10.0).history, since=FAULT) == ()
