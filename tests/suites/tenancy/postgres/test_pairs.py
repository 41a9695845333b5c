"""What is asked about keys: by inserting, by changing, and within a unique index of some rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from suites.tenancy.postgres.acts import deletions, moves, twins
from suites.tenancy.postgres.pairs import chosen_within, questions
from suites.tenancy.postgres.scenes import Scene
from tests.suites.tenancy.postgres.samples import CANARY, MINE, OTHER, column, relation, seed

_ALL: Final = frozenset({"SELECT", "INSERT", "UPDATE"})


def scene(*, privileges: frozenset[str], unique: frozenset[str] = frozenset()) -> Scene:
    """Leads with a name and a channel, of the attacker's and of the victim's."""
    columns = tuple(column(name, base, granted=_ALL) for name, base in (("organization_id", "uuid"), ("id", "uuid"), ("name", "text")))
    leads = relation(columns=(*columns, column("channel", granted=_ALL)), privileges=privileges, unique=unique)
    key = "c0957a7e-0000-4000-8000-00000000000"
    theirs = replace(seed(), relation=leads, values={"organization_id": seed().organization_id, "id": f"{key}1", "name": CANARY})
    mine = replace(theirs, organization_id=MINE, canary=OTHER, values={"organization_id": MINE, "id": f"{key}2", "name": OTHER})
    return Scene(relation=leads, tenant_column="organization_id", mine=mine, spare=mine, theirs=theirs)


def test_a_unique_column_is_asked_about_by_a_change() -> None:
    """One's own row is given the neighbour's value, and one that nobody has."""
    (question,) = questions(scene(privileges=frozenset({"SELECT", "UPDATE"}), unique=frozenset({"name"})), None)

    assert question.changes
    assert question.existing == {"name": CANARY}
    assert question.absent["name"] != CANARY


def test_the_constants_of_a_predicate_are_tried() -> None:
    """As it is first, then what the predicate names, in the columns that it names."""
    tried = list(chosen_within(scene(privileges=_ALL), "((channel = 'push'::text) AND (name IS NULL))"))

    assert tried[0] == {}
    assert {"channel": "push", "name": None} in tried


def test_what_is_done_to_ones_own_is_taken_back() -> None:
    """A row that is put in to see what follows is deleted by the same transaction, and only where that is granted."""
    granted, refused = scene(privileges=_ALL | {"DELETE"}), scene(privileges=_ALL)
    own = [plan for plan in (*moves(granted), *deletions(granted)) if plan.act.keep and plan.act.before]

    assert [b"DELETE" in plan.act.rendered[-1] and b"INSERT" in plan.act.rendered[0] for plan in own] == [True, True]
    assert not [plan for plan in moves(refused) if plan.act.before]


def test_a_new_row_without_text_is_recognised_by_its_id() -> None:
    """The id that was drawn for the row stands in what the twin inserts, and is what its answer must show."""
    numbers = scene(privileges=_ALL)
    bare = replace(numbers, mine=replace(numbers.mine, values={k: v for k, v in numbers.mine.values.items() if k != "name"}))
    found = twins(bare, {"insert"})

    assert found.canaries["insert"].replace("-", "").encode() in found.acts["insert"].rendered[-1]
    assert found.canaries["insert"] != bare.mine.values["id"]
