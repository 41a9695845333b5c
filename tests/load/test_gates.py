"""A gate names what is wrong with the instrument, and nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from load.gates import gates, table
from load.plan import CONTROL
from load.samples import UNSENT, Outside, Row, Stall, Watch
from tests.load.runs import failed, on_time, run, slow

if TYPE_CHECKING:
    from collections.abc import Callable

    from load.plan import Arrival
    from load.samples import Measured

IDLE = (0.1,) * 10


def broken(measured: Measured) -> list[str]:
    """The names of the gates that do not hold."""
    return [gate.name for gate in gates(measured) if not gate.holds]


def late(arrival: Arrival) -> Row:
    """One of 20 is sent 50 ms late."""
    row = on_time(arrival)
    return row._replace(sent=row.sent + 0.05, done=row.done + 0.05) if int(arrival.offset * 1000) % 20 == 0 else row


def dropped(arrival: Arrival) -> Row:
    """The last second is never sent."""
    return Row(math.inf, math.inf, UNSENT) if arrival.offset > 10 else on_time(arrival)


def late_control(arrival: Arrival) -> Row:
    """The control stream's answers come 50 ms late."""
    return slow(arrival, 0.07) if arrival.operation == CONTROL else on_time(arrival)


def lost_control(arrival: Arrival) -> Row:
    """The control stream never answers."""
    return failed(arrival, "timeout") if arrival.operation == CONTROL else on_time(arrival)


def exhausted(arrival: Arrival) -> Row:
    """One request finds no file descriptor."""
    return failed(arrival, "client: EMFILE") if arrival.offset < 0.05 else on_time(arrival)


def test_a_sound_instrument_holds_every_gate() -> None:
    """On time, idle, undelayed: no gate is broken, and each says what it saw."""
    assert broken(run()) == []
    assert all(gate.seen and gate.required for gate in gates(run()))


def test_a_busy_platform_breaks_no_gate() -> None:
    """Slow and failing answers are the platform's; the gates are about the instrument."""
    assert broken(run(lambda arrival: slow(arrival) if arrival.operation != CONTROL else on_time(arrival))) == []
    assert broken(run(lambda arrival: failed(arrival, "status 500") if arrival.operation != CONTROL else on_time(arrival))) == []


@pytest.mark.parametrize(
    ("become", "names"),
    [
        (late, ["send lag"]),
        (dropped, ["schedule kept", "send lag", "control stream"]),
        (late_control, ["control stream"]),
        (lost_control, ["control stream"]),
        (exhausted, ["client errors"]),
    ],
    ids=["late", "dropped", "late control", "lost control", "no descriptors"],
)
def test_each_defect_breaks_its_own_gate(become: Callable[[Arrival], Row], names: list[str]) -> None:
    """What is wrong is named."""
    assert broken(run(become)) == names


@pytest.mark.parametrize(
    ("watch", "names"),
    [
        (Watch(stalls=(), cpu=(0.75,) * 10), ["generator CPU"]),
        (Watch(stalls=(), cpu=(*IDLE, 0.9)), ["generator CPU"]),
        (Watch(stalls=(), cpu=()), ["generator CPU"]),
        (Watch(stalls=(Stall(5.0, 0.2),), cpu=IDLE), ["loop heartbeat"]),
        (Watch(stalls=(Stall(0.5, 0.2), Stall(5.0, 0.05)), cpu=IDLE), []),
    ],
    ids=["busy", "busy for a second", "not watched", "stalled", "stalled shortly, and in the warm-up"],
)
def test_the_generator_watches_itself(watch: Watch, names: list[str]) -> None:
    """A core that is too busy, or was not watched, and a loop that stood still break their gates."""
    assert broken(run(watch=watch)) == names


@pytest.mark.parametrize(
    ("seen", "names"),
    [
        (Outside(before=1.0, after=-0.5, stolen=0.0), ["clock"]),
        (Outside(before=1.0, after=2.5, stolen=0.0), ["clock"]),
        (Outside(before=-3600.0, after=3600.0, stolen=0.0), ["clock"]),
        (Outside(before=1.0, after=0.2, stolen=0.1), ["machine"]),
    ],
    ids=["fast clock", "slow clock", "another clock", "stolen"],
)
def test_the_parent_watches_the_generator(seen: Outside, names: list[str]) -> None:
    """A clock of another pace, and a machine that was not there, are seen from outside; one bad stage spoils the whole."""
    sound = Outside(before=1.0, after=0.2, stolen=0.0)

    assert broken(run(outside=(seen,))) == names
    assert broken(run(outside=(sound, seen))) == names
    assert broken(run(outside=(seen, sound))) == names
    assert broken(run(outside=())) == ["clock", "machine"]


def test_the_table_has_a_line_for_each_gate() -> None:
    """Every gate is told with what it required, what was seen and whether it holds."""
    lines = table(gates(run(late))).splitlines()

    assert len(lines) == 1 + len(gates(run()))
    assert [line.split()[-1] for line in lines[1:]].count("NO") == 1
