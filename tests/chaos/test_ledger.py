"""The ledger's judge tells exactly what was planted, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaos.history import Mark, Told
from chaos.ledger import judge
from constat import entries
from tests.chaos.worlds import FAULT, NEW, OLD, TENANTS, World, Write, changed, planted, steady


def test_a_platform_that_keeps_its_word_has_lost_nothing() -> None:
    """Nothing is told of a ledger whose every acknowledged write is there once and unchanged."""
    world = steady()

    whole = judge(world.history, world.rows()).whole

    assert (whole.lost, whole.wrong, whole.recovered, whole.rpo_seconds) == ((), (), (), 0.0)
    assert whole.acknowledged == whole.attempted == len(world.writes)


@settings(max_examples=120, deadline=None)
@given(planted())
def test_every_planted_defect_is_told_exactly(case: tuple[World, dict[str, frozenset[tuple[str, int]]]]) -> None:
    """Losses, duplicates, corruption, indeterminate and refused writes are each told by key, whatever their mixture."""
    world, wrong = case
    told = {kind: wrong.get(kind, frozenset()) for kind in ("lost", "duplicated", "corrupt", "recovered", "denied")}
    rows = world.rows(without=told["lost"])
    rows += [row for row in rows if row.key in told["duplicated"]]
    rows = [replace(row, payload=row.payload + "?") if row.key in told["corrupt"] else row for row in rows]
    rows += [write.entry for write in world.writes if (write.writer, write.seq) in told["recovered"] | told["denied"]]

    whole = judge(world.history, rows).whole

    assert set(whole.lost) == told["lost"]
    assert set(whole.duplicated) == told["duplicated"]
    assert set(whole.corrupt) == told["corrupt"]
    assert set(whole.recovered) == told["recovered"]
    assert set(whole.unexpected) == told["denied"]


@given(planted())
@settings(max_examples=50, deadline=None)
def test_tenants_add_up_to_the_whole(case: tuple[World, dict[str, frozenset[tuple[str, int]]]]) -> None:
    """What is told of the tenants together is what is told of all."""
    world, wrong = case
    reckoning = judge(world.history, world.rows(without=wrong.get("lost", frozenset())))

    assert sorted(key for account in reckoning.tenants.values() for key in account.lost) == list(reckoning.whole.lost)
    assert sum(account.attempted for account in reckoning.tenants.values()) == reckoning.whole.attempted
    assert max((account.rpo_seconds for account in reckoning.tenants.values()), default=0.0) == reckoning.whole.rpo_seconds


@settings(max_examples=40, deadline=None)
@given(st.floats(min_value=0.3, max_value=12.0), st.integers(min_value=8, max_value=24))
@example(0.5, 8)
@example(2.0, 8)
@example(10.0, 8)
def test_a_planted_loss_of_x_seconds_is_measured_within_the_resolution(x: float, per_second: int) -> None:
    """The last x seconds before the fault are lost: the RPO is x, give or take the resolution, and there is no hole."""
    world = steady(per_second=per_second, before=15.0)
    lost = frozenset((write.writer, write.seq) for write in world.writes if write.at + write.took > FAULT - x)

    whole = judge(world.history, world.rows(without=lost)).whole

    assert whole.resolution is not None
    assert abs(whole.rpo_seconds - x) <= whole.resolution
    assert len(whole.lost) == len(lost)
    assert whole.holes == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0, max_value=60))
def test_a_loss_with_something_younger_left_is_a_hole(place: int) -> None:
    """A write that is lost though one that began after its acknowledgement survived is a hole."""
    world = steady(before=6.0)
    write = world.writes[place]

    whole = judge(world.history, world.rows(without=frozenset({(write.writer, write.seq)}))).whole

    assert whole.holes == ((write.writer, write.seq),)


def test_a_loss_that_overlaps_its_survivors_is_no_hole() -> None:
    """Of writes that were under way together, any may have been the last in the log."""
    early = Write("t1", "a", 0, FAULT - 1.0, took=0.5)
    late = Write("t1", "b", 0, FAULT - 0.9, took=0.5)

    whole = judge(World((early, late)).history, [late.entry]).whole

    assert whole.lost == (("a", 0),)
    assert whole.holes == ()


def test_what_the_new_primary_acknowledged_may_not_be_lost() -> None:
    """A loss after the fault has taken effect is a hole, though nothing younger is there."""
    before, after = Write("t1", "a", 0, FAULT - 1), Write("t1", "a", 1, FAULT + 20, server=NEW)

    whole = judge(World((before, after)).history, [before.entry]).whole

    assert whole.holes == (("a", 1),)
    assert whole.rpo_seconds == 0.0


def test_a_write_that_waited_for_the_new_primary_makes_no_hole() -> None:
    """A survivor that began before the fault and was written by the server that took over says nothing of the old log."""
    lost = Write("t1", "a", 0, FAULT - 1.0)
    waited = Write("t1", "b", 0, FAULT - 0.1, server=NEW, took=20.0)

    whole = judge(World((lost, waited)).history, [waited.entry]).whole

    assert whole.lost == (("a", 0),)
    assert whole.holes == ()


def test_an_unknown_write_is_neither_lost_nor_unexpected() -> None:
    """A write of which nothing was said may be there or not."""
    world = changed(steady(), (key := ("drill-t1-0", 3)), told=Told.UNKNOWN)

    absent = judge(world.history, world.rows()).whole
    present = judge(world.history, [*world.rows(), next(w.entry for w in world.writes if (w.writer, w.seq) == key)]).whole

    assert (absent.lost, absent.wrong, absent.recovered) == ((), (), ())
    assert (present.lost, present.wrong, present.recovered) == ((), (), (key,))


def test_a_row_that_vanishes_between_two_reads_is_lost() -> None:
    """A row that an earlier read has shown must be there later, whatever the client was told of it."""
    world = changed(steady(), (key := ("drill-t1-0", 3)), told=Told.UNKNOWN)
    row = next(write.entry for write in world.writes if (write.writer, write.seq) == key)

    whole = judge(world.history, world.rows(), seen=[row]).whole

    assert whole.lost == (key,)


def test_a_commit_that_did_not_wait_counts_as_acknowledged() -> None:
    """A commit with the notice that the standby was not waited for is acknowledged, and its loss is told apart."""
    world = changed(steady(), (key := ("drill-t1-0", 3)), unreplicated=True)

    whole = judge(world.history, world.rows(without=frozenset({key}))).whole

    assert (whole.lost, whole.unreplicated, whole.lost_unreplicated) == ((key,), 1, 1)


def test_a_row_in_another_tenants_name_is_corrupt_and_lost_to_its_own() -> None:
    """A row that came back under another tenant is told of the whole, and missed by the tenant that wrote it."""
    world = steady()
    rows = world.rows()
    rows[0] = replace(rows[0], organization_id=next(o for o in TENANTS.values() if o != rows[0].organization_id))
    writer = world.writes[0]

    reckoning = judge(world.history, rows)

    assert reckoning.whole.corrupt == ((writer.writer, writer.seq),)
    assert reckoning.tenants[writer.tenant].lost == ((writer.writer, writer.seq),)
    assert sum(len(account.unexpected) for account in reckoning.tenants.values()) == 1


def test_a_row_that_is_whole_but_was_never_written_so_is_corrupt() -> None:
    """A row with a digest that fits its content, and another content than was written, is corrupt."""
    world = steady()
    rows = world.rows()
    rows[5] = entries.seal(rows[5].organization_id, writer=rows[5].writer, seq=rows[5].seq, previous_hash="forged")

    assert judge(world.history, rows).whole.corrupt == (rows[5].key,)


def test_the_fault_takes_effect_with_the_last_answer_of_the_server_that_was_hit() -> None:
    """An acknowledgement between the command and its confirmation moves the effect; one by another server does not."""
    writes = (Write("t1", "a", 0, FAULT - 1), Write("t1", "a", 1, FAULT + 0.1), Write("t1", "b", 0, FAULT + 0.2, server=NEW))

    assert judge(World(writes).history, []).effect == FAULT + 0.1 + 0.01


def test_an_answer_after_the_confirmation_does_not_move_the_effect() -> None:
    """The server that was hit may be given back and answer again: that is not when it died."""
    writes = (Write("t1", "a", 0, FAULT - 1), Write("t1", "a", 1, FAULT + 30, server=OLD))

    assert judge(World(writes).history, []).effect == FAULT


def test_without_a_fault_losses_are_counted_from_the_end() -> None:
    """A ledger without a fault has its losses aged from the end of the history."""
    world = World((Write("t1", "a", 0, FAULT - 1),), marks={})

    assert judge(world.history, []).whole.rpo_seconds == FAULT + 60 - (FAULT - 1 + 0.01)


def test_a_ledger_with_fewer_than_two_acknowledgements_has_no_resolution() -> None:
    """One acknowledgement, or one that is older than the window, tells no resolution."""
    old = [Write("t1", "a", seq, FAULT - 100 + seq) for seq in range(5)]

    assert judge(World((Write("t1", "a", 0, FAULT - 1),)).history, []).whole.resolution is None
    assert judge(World(tuple(old)).history, []).whole.resolution is None


def test_only_the_window_before_the_fault_counts_into_the_resolution() -> None:
    """A gap long before the fault says nothing of how finely the fault was measured."""
    early, late = Write("t1", "b", 0, FAULT - 60), steady(per_second=4, before=12.0)

    assert judge(World((early, *late.writes)).history, []).whole.resolution == judge(late.history, []).whole.resolution


def test_silence_before_the_fault_counts_into_the_resolution() -> None:
    """The time between the last acknowledgement and the fault is a gap like any other."""
    writes = tuple(Write("t1", "a", seq, FAULT - 9 + seq, took=0.0) for seq in range(5))

    assert judge(World(writes, marks={Mark.COMMANDED: FAULT}).history, []).whole.resolution == 5.0
