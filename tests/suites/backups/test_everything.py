"""Everything: what was steady around the moment must come back, and what nobody could compare is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.outcome import Outcome
from suites.backups.everything import Everything, judge

THERE = Everything(
    relations={"public.leads": "3 abc", "public.events": "9 def"},
    catalogs={"pg_catalog.pg_authid": "9 abc", "pg_catalog.pg_policy": "2 def"},
    sequences={"public.numbers": 40, "public.backwards": -9},
    unlogged=(),
)


def said(after: Everything = THERE, restored: Everything = THERE, before: Everything = THERE) -> dict[str, Outcome]:
    """How each subject ended."""
    return {judgement.subject: judgement.outcome for judgement in judge(before, after, restored)}


def test_the_same_is_exact() -> None:
    """Every relation, every rule, and nothing unlogged."""
    assert set(said().values()) == {Outcome.PASS}


@pytest.mark.parametrize(
    ("restored", "subject"),
    [
        (replace(THERE, relations={"public.leads": "3 abc", "public.events": "8 xyz"}), "every relation"),
        (replace(THERE, relations={"public.leads": "3 abc"}), "every relation"),
        (replace(THERE, relations={**THERE.relations, "public.stranger": "0 "}), "every relation"),
        (replace(THERE, catalogs={**THERE.catalogs, "pg_catalog.pg_policy": "1 xyz"}), "roles, rights and code"),
        (replace(THERE, sequences={**THERE.sequences, "public.numbers": 39}), "sequences"),
        (replace(THERE, sequences={**THERE.sequences, "public.backwards": -10}), "sequences"),
        (replace(THERE, sequences={"public.numbers": 40}), "sequences"),
    ],
    ids=["other-rows", "missing", "surplus", "a-policy-less", "behind", "behind-backwards", "no-sequence"],
)
def test_a_difference_is_red(restored: Everything, subject: str) -> None:
    """Rows, relations and rules alike."""
    assert said(restored=restored)[subject] is Outcome.FAIL


def test_what_changed_meanwhile_is_left_out_by_name() -> None:
    """Somebody else wrote between the two looks; alone that is no proof of anything."""
    after = replace(THERE, relations={"public.leads": "4 new", "public.events": "9 def"})
    found = next(judgement for judgement in judge(THERE, after, THERE) if judgement.subject == "every relation")

    assert (found.outcome, "public.leads" in found.reason) == (Outcome.PASS, True)
    assert said(after=replace(THERE, relations={"public.leads": "4", "public.events": "1"}))["every relation"] is Outcome.ERROR


def test_a_sequence_may_be_ahead() -> None:
    """The log has its numbers in advance, so that a server which was killed never gives one twice."""
    assert said(restored=replace(THERE, sequences={"public.numbers": 72, "public.backwards": 23}))["sequences"] is Outcome.PASS


def test_what_no_backup_holds_is_red() -> None:
    """An unlogged relation comes back empty, so that the rows of an empty one tell nothing."""
    assert said(before=replace(THERE, unlogged=("public.leads",)))["relations that no backup holds"] is Outcome.FAIL
