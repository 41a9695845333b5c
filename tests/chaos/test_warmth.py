"""When a ledger is warm enough that a fault may be injected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos.history import Told
from chaos.warmth import warmth
from tests.chaos.worlds import FAULT, World, Write, failing, steady


def is_warm(world: World, promised: float = 0.0) -> bool:
    """Whether it is, at the moment of the fault."""
    return warmth(world.history, FAULT).is_enough(promised)


def test_a_steady_ledger_is_warm() -> None:
    """Some five hundred acknowledgements, evenly and of every tenant, are enough."""
    assert is_warm(steady(per_second=16, before=20.0))


@pytest.mark.parametrize(
    "world",
    [
        steady(per_second=16, before=10.0),
        failing(steady(per_second=16, before=20.0), FAULT - 5, FAULT - 4.9, tenants=("t10",)),
        failing(steady(per_second=16, before=20.0), FAULT - 5, FAULT - 4.9, told=Told.UNKNOWN),
        replace(steady(per_second=32, before=20.0), writes=tuple(w for w in steady(per_second=32, before=20.0).writes if w.tenant == "t1")),
        replace(
            steady(per_second=32, before=20.0),
            writes=tuple(w for w in steady(per_second=32, before=20.0).writes if not 3 < FAULT - w.at < 5),
        ),
        World((Write("t1", "a", 0, FAULT - 1),)),
        World(()),
    ],
    ids=["too few", "refusals", "unknown writes", "a silent tenant", "a gap", "one write", "nothing"],
)
def test_anything_else_is_not(world: World) -> None:
    """Too few, too uneven, in trouble, or without one of the tenants: no fault is injected into that."""
    assert not is_warm(world)


def test_trouble_that_is_over_does_not_count() -> None:
    """What went wrong before the window is past."""
    assert is_warm(failing(steady(per_second=16, before=30.0), FAULT - 25, FAULT - 24))


def test_a_looser_promise_needs_a_coarser_ledger() -> None:
    """A gap of two seconds is fine for a promise of an hour."""
    world = steady(per_second=32, before=20.0)
    gap = replace(world, writes=tuple(write for write in world.writes if not 3 < FAULT - write.at < 5))

    assert is_warm(gap, promised=3600)
