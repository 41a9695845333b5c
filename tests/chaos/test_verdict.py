"""The verdict on a drill: what is promised against what was measured, and what the instrument can vouch for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chaos.drill import Drill, Struck
from chaos.history import Mark, Stall, Told
from chaos.verdict import judgements
from constat import artefact
from constat.outcome import Outcome, worst
from constat.target import Recovery
from tests.chaos.worlds import FAULT, World, Write, failing, steady

PROMISE = Recovery(node_rto_seconds=60, node_rpo_seconds=0)


def drill(
    world: World, *, lost: frozenset[tuple[str, int]] = frozenset(), back: float | None = FAULT + 20.0, redundant: float | None = FAULT + 45
) -> Drill:
    """A drill in which the node was killed, and service came back as told."""
    marks: dict[str, float] = {Mark.COMMANDED: FAULT, Mark.CONFIRMED: FAULT + 0.3, Mark.LET_GO: FAULT + 31.0}
    rows = tuple(world.rows(without=lost))
    struck = Struck(node="postgres-1", restored=back, redundant=redundant, read=(), read_at=FAULT + 31.0)
    return Drill(struck=struck, history=replace(world.history, marks=marks), read=rows, problems=())


def usual() -> World:
    """A ledger with an outage of twenty seconds."""
    return failing(steady(down=20.0, after=30.0), FAULT + 0.1, FAULT + 19.9)


def said(measured: Drill, promise: Recovery = PROMISE) -> dict[str, Outcome]:
    """Each subject's outcome."""
    return {judgement.subject: judgement.outcome for judgement in judgements(measured, promise)}


def test_a_promise_that_is_kept_passes_on_every_subject() -> None:
    """Service in time, nothing lost, redundancy back: all subjects pass, and the timeline is evidence."""
    outcomes = said(drill(usual()))

    assert set(outcomes) == {"instrument", "rto", "rpo: t1", "rpo: t10", "rpo", "integrity", "redundancy"}
    assert set(outcomes.values()) == {Outcome.PASS}


def test_one_lost_write_breaks_the_promise_of_none() -> None:
    """With an RPO of nothing, the loss of a single acknowledged write fails, for its tenant and for the whole."""
    last = max(
        (write for write in usual().writes if write.told is Told.OK and write.at < FAULT and write.tenant == "t1"),
        key=lambda write: write.at,
    )
    outcomes = said(drill(usual(), lost=frozenset({(last.writer, last.seq)})))

    assert (outcomes["rpo: t1"], outcomes["rpo: t10"], outcomes["rpo"]) == (Outcome.FAIL, Outcome.PASS, Outcome.FAIL)


def test_a_loss_within_the_promise_passes() -> None:
    """With an RPO of an hour, the loss of the last second before the fault is within the promise."""
    lost = frozenset((write.writer, write.seq) for write in usual().writes if FAULT - 1 < write.at < FAULT)

    assert said(drill(usual(), lost=lost), Recovery(node_rto_seconds=60, node_rpo_seconds=3600))["rpo"] is Outcome.PASS


def test_a_hole_fails_whatever_was_promised() -> None:
    """Something missing in between is no question of how much may be lost."""
    write = usual().writes[10]
    outcomes = said(drill(usual(), lost=frozenset({(write.writer, write.seq)})), Recovery(node_rto_seconds=60, node_rpo_seconds=3600))

    assert (outcomes["rpo"], outcomes["integrity"]) == (Outcome.PASS, Outcome.FAIL)


@pytest.mark.parametrize(("back", "outcome"), [(FAULT + 59.0, Outcome.PASS), (FAULT + 61.0, Outcome.FAIL), (None, Outcome.FAIL)])
def test_service_must_be_back_in_time(back: float | None, outcome: Outcome) -> None:
    """The time counts from the command; service that is not back at all fails too."""
    assert said(drill(usual(), back=back))["rto"] is outcome


def test_a_harness_that_did_not_run_is_not_sure_of_the_edge() -> None:
    """When the time is kept only if the harness's own stall is left out, nothing is decided."""
    measured = drill(usual(), back=FAULT + 59.5)
    stalled = replace(measured, history=replace(measured.history, stalls=(Stall(at=FAULT + 30, seconds=1.0),)))

    assert said(stalled)["rto"] is Outcome.INCONCLUSIVE


def test_too_few_writes_decide_nothing() -> None:
    """No loss among writes that came every two seconds says nothing about a promise of none."""
    coarse = failing(steady(per_second=0.5, down=20.0, after=30.0), FAULT + 0.1, FAULT + 19.9)

    assert said(drill(coarse))["rpo: t1"] is Outcome.INCONCLUSIVE


def test_a_fault_that_disturbed_nothing_proves_nothing() -> None:
    """When no write noticed the fault, another server was serving them: an error, and nothing else is said."""
    assert said(drill(steady(after=60.0))) == {"instrument": Outcome.ERROR}


def test_a_broken_instrument_ends_it() -> None:
    """A history that could not be written vouches for nothing, not even for a loss."""
    measured = replace(drill(usual(), lost=frozenset({("drill-t1-0", 3)})), problems=("the history cannot be written: No space left",))

    assert said(measured) == {"instrument": Outcome.ERROR}


def test_a_history_without_an_end_ends_it() -> None:
    """A history that was never closed is not judged as a whole one."""
    measured = drill(usual())

    assert said(replace(measured, history=replace(measured.history, ended=None, clock_moved=None))) == {"instrument": Outcome.ERROR}


def test_refusals_before_the_fault_leave_a_doubt() -> None:
    """A platform that refused writes before anything was done to it was not in its steady state."""
    measured = drill(failing(usual(), FAULT - 9, FAULT - 8))

    assert said(measured)["instrument"] is Outcome.INCONCLUSIVE


def test_a_clock_that_was_set_leaves_a_doubt() -> None:
    """When the wall clock moved, the run is not beyond doubt."""
    measured = drill(usual())

    assert said(replace(measured, history=replace(measured.history, clock_moved=0.5)))["instrument"] is Outcome.INCONCLUSIVE


def test_redundancy_must_come_back() -> None:
    """A node that does not follow again leaves the platform one fault away from the end."""
    assert said(drill(usual(), redundant=None))["redundancy"] is Outcome.FAIL


def test_what_nobody_promised_is_not_judged() -> None:
    """Without objectives for a node, only what no platform may do is judged."""
    assert set(said(drill(usual()), Recovery())) == {"instrument", "integrity", "redundancy"}


def test_the_worst_is_never_better_than_its_instrument() -> None:
    """No drill passes whose ledger had one write only."""
    lonely = drill(World((Write("t1", "a", 0, FAULT - 1), Write("t1", "a", 1, FAULT + 1, told=Told.FAIL))))

    assert worst(said(lonely).values()) is not Outcome.PASS


def test_the_verdict_names_its_numbers() -> None:
    """A verdict without a loss says of how many, and how finely that was measured: never a bare zero."""
    judged = {judgement.subject: judgement for judgement in judgements(drill(usual()), PROMISE)}

    assert "0 lost of" in judged["rpo"].reason
    assert "resolution" in judged["rpo"].reason
    assert judged["instrument"].evidence[0].name == "timeline.txt"
    assert "fault commanded" in judged["instrument"].evidence[0].content


def test_the_report_is_given_the_moments_in_figures() -> None:
    """The timeline is also an artefact: the same moments, in seconds from the fault, with each tenant's outages."""
    judged = {judgement.subject: judgement for judgement in judgements(drill(usual()), PROMISE)}
    (kept,) = [item for item in judged["instrument"].evidence if item.name == artefact.TIMELINE]
    document = json.loads(kept.content)

    assert [row["at"] for row in document["moments"]] == sorted(row["at"] for row in document["moments"])
    assert {"COMMANDED", "CONFIRMED", "EFFECT", "BACK"} <= {row["milestone"] for row in document["moments"]}
    assert {row["tenant"] for row in document["outages"]} <= set(document["tenants"])
    assert judged["rto"].expected["objective"] == "node_rto_seconds"
