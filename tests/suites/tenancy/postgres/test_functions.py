"""How calls of functions are made and judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.attempt import Answer
from constat.outcome import Outcome
from suites.tenancy.postgres.calling import MOST_CALLS, Call, calls, statement
from suites.tenancy.postgres.functions import Called, alike, judge_calls
from suites.tenancy.postgres.trespass import Trespass
from tests.suites.tenancy.postgres.samples import CANARY, MINE, OTHER, THEIRS, function, seed

NOTHING = Answer(kind="zero rows")


def called(
    there: Answer, *, nowhere: Answer = NOTHING, again: Answer | None = None, hurt: tuple[str, ...] = (), given: str = "x"
) -> Called:
    """A call with one argument."""
    return Called(call=Call((given,), ("y",)), there=Trespass(there, hurt), nowhere=nowhere, again=again or nowhere)


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (called(NOTHING), Outcome.PASS),
        (called(Answer(kind="ok", shown=CANARY)), Outcome.FAIL),
        (called(NOTHING, hurt=("public.leads",)), Outcome.FAIL),
        (called(Answer(kind="ok", shown="true"), nowhere=Answer(kind="ok", shown="false")), Outcome.FAIL),
        (
            called(Answer(kind="ok", shown="0.1"), nowhere=Answer(kind="ok", shown="0.2"), again=Answer(kind="ok", shown="0.3")),
            Outcome.PASS,
        ),
        (called(Answer(kind="ok", shown="no x"), nowhere=Answer(kind="ok", shown="no y")), Outcome.PASS),
        (called(Answer(kind="ok", shown=CANARY), nowhere=Answer(kind="ok", shown="y"), given=CANARY), Outcome.PASS),
        (called(Answer(kind="sqlstate 42501"), nowhere=Answer(kind="sqlstate 42501")), Outcome.PASS),
        (called(Answer(kind="sqlstate 22023"), nowhere=Answer(kind="sqlstate 22023")), Outcome.NOT_REVIEWED),
    ],
)
def test_one_call(one: Called, outcome: Outcome) -> None:
    """What is shown, done or told fails; what was given, or is another each time, does not; errors alone prove nothing."""
    assert judge_calls("f", [one], (CANARY,)).outcome is outcome


@given(st.lists(st.sampled_from(["uuid", "text", "integer", "jsonb", "boolean", "uuid[]", "point", "regclass"]), max_size=4))
def test_any_function_is_called(arguments: list[str]) -> None:
    """Whatever the arguments' types, there is a call with a value for each, and never too many calls."""
    made = calls(function(*arguments), [seed()], "t10")

    assert 0 < len(made) <= MOST_CALLS
    assert all(len(call.existing) == len(call.absent) == len(arguments) for call in made)


def test_a_call_names_the_neighbour() -> None:
    """A uuid is the neighbour's own, cast to the argument's type; a procedure is called, not selected."""
    first = calls(function("uuid"), [seed()], "t10")[0]

    assert statement(function("uuid"), first.existing).as_string().endswith(f"('{THEIRS}'::uuid) AS f")
    assert statement(function(kind="procedure"), ()).as_string() == 'CALL "public"."f"()'


def test_an_echo_of_a_part_is_no_answer() -> None:
    """What was given may come back in parts, and an id that was given twice once: neither tells anything."""
    there, nowhere = Answer(kind="ok", shown=f"{THEIRS} of {CANARY}"), Answer(kind="ok", shown=f"{MINE} of {OTHER}")

    assert alike(there, nowhere, (THEIRS, THEIRS, f"a {CANARY}"), (MINE, MINE, f"a {OTHER}"))
    assert not alike(there, Answer(kind="zero rows"), (THEIRS,), (MINE,))
