"""How traces, pairs, requests, logins and appearances are judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.attempt import Answer
from constat.outcome import Outcome, worst
from suites.tenancy.postgres.appearance import Policy, judge_function, judge_policies, judge_relation, judge_view
from suites.tenancy.postgres.found import judge_as_found
from suites.tenancy.postgres.looks import judge_looks
from suites.tenancy.postgres.pairs import Question, pair
from suites.tenancy.postgres.pool import HANDED_OVER, Served, handed_over, judge_served
from suites.tenancy.postgres.reach import judge_part
from suites.tenancy.postgres.roles import judge_other
from suites.tenancy.postgres.seeds import owned_by_tenants
from tests.suites.tenancy.postgres.samples import CANARY, OTHER, column, function, relation


def looks(*values: str) -> list[tuple[bool, dict[str, str]]]:
    """Looks at one thing: quiet, quiet, after a write, quiet, after a write."""
    return [(place in {2, 4}, {"view": value}) for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "outcome"),
    [("aaaaa", Outcome.PASS), ("aabbc", Outcome.FAIL), ("abcde", Outcome.PASS), ("aabbb", Outcome.PASS), ("aaaab", Outcome.PASS)],
)
def test_only_what_follows_the_writes_tells(values: str, outcome: Outcome) -> None:
    """What changes at each write and never otherwise is a trace; what is unsteady, or changes once, is not."""
    assert worst(judgement.outcome for judgement in judge_looks(["view"], looks(*values), written=1)) is outcome


@pytest.mark.parametrize(("names", "written"), [([], 1), (["view"], 0)])
def test_without_a_write_or_a_look_nothing_is_proven(names: list[str], written: int) -> None:
    """ERROR when the victim wrote nothing, or nothing could be looked at."""
    assert worst(judgement.outcome for judgement in judge_looks(names, looks(*"aaaaa"), written=written)) is Outcome.ERROR


def test_a_pair_is_compared_without_what_was_given() -> None:
    """Two answers that differ only in the values that were sent are alike; another sort of answer is not."""
    question = Question(subject="leads: keys", existing={"name": CANARY}, absent={"name": OTHER})
    taken, free = Answer(kind="sqlstate 23505", shown=f"{CANARY} exists"), Answer(kind="sqlstate 23505", shown=f"{OTHER} exists")

    assert (same := pair(question, taken, free)).existing == same.absent
    assert (other := pair(question, taken, Answer(kind="ok", shown="INSERT 0 1"))).existing != other.absent


def served(tenant: str, *seen: str, backend: int = 1, at: float = 0.0) -> Served:
    """A request that ended with a commit."""
    return Served(tenant=tenant, ending="commit", seen=frozenset(seen), backend=backend, at=at)


ALTERNATING = [served(("t1", "t10")[place % 2], ("t1", "t10")[place % 2], at=place) for place in range(HANDED_OVER + 1)]


@pytest.mark.parametrize(
    ("requests", "outcome"),
    [
        (ALTERNATING, Outcome.PASS),
        ([*ALTERNATING, served("t1", "t1", "t10", at=99)], Outcome.FAIL),
        ([*ALTERNATING, served("", "t10", at=99)], Outcome.FAIL),
        ([*ALTERNATING, served("t1", at=99)], Outcome.ERROR),
        (ALTERNATING[:-2], Outcome.INCONCLUSIVE),
    ],
)
def test_requests(requests: list[Served], outcome: Outcome) -> None:
    """Another tenant's row fails, not seeing one's own proves nothing, and neither do tenants who never met."""
    assert worst(judgement.outcome for judgement in judge_served(requests)) is outcome


@given(st.lists(st.tuples(st.sampled_from(["t1", "t10"]), st.integers(1, 3)), max_size=30))
def test_handing_over_needs_the_same_connection(drawn: list[tuple[str, int]]) -> None:
    """On connections that each serve one tenant only, nothing is ever handed over."""
    apart = [served(tenant, backend=backend + 10 * (tenant == "t1"), at=place) for place, (tenant, backend) in enumerate(drawn)]

    assert handed_over(apart) == 0


@pytest.mark.parametrize(
    ("reached", "accepted", "outcome"),
    [("", None, Outcome.PASS), ("it is", "known", Outcome.PASS), ("it is", None, Outcome.FAIL), ("", "known", Outcome.PASS)],
)
def test_what_is_reached_must_be_accepted(reached: str, accepted: str | None, outcome: Outcome) -> None:
    """Only what is reached and not accepted is a defect."""
    assert judge_part("word", "what", reached, accepted).outcome is outcome


@pytest.mark.parametrize(
    ("more", "outcome"),
    [((), Outcome.PASS), (("SELECT leads",), Outcome.NOT_REVIEWED), (("BYPASSRLS",), Outcome.FAIL), (("SUPERUSER", "x"), Outcome.FAIL)],
)
def test_another_login(more: tuple[str, ...], outcome: Outcome) -> None:
    """A login past the policies fails; one that may do more was not attacked; one that may do no more was."""
    assert judge_other("reports", more, "app").outcome is outcome


def test_appearances() -> None:
    """A table without its guard, a view without a barrier and a function without a path look wrong; the guarded do not."""
    view = relation(kind="view", options=("security_barrier=true",))
    wrong = [
        judge_relation(relation(guarded=False)),
        judge_relation(relation(forced=False)),
        judge_relation(relation(is_partition=True, guarded=False)),
        judge_view(relation(kind="view")),
        judge_function(function(pinned=False)),
    ]

    assert {judgement.outcome for judgement in wrong} == {Outcome.FAIL}
    assert {judgement.outcome for judgement in (judge_relation(relation()), judge_view(view), judge_function(function()))} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        ({"rows": "a"}, {"rows": "a"}, Outcome.PASS),
        ({"rows": "a"}, {"rows": "b"}, Outcome.FAIL),
        ({"rows": "a"}, {}, Outcome.FAIL),
        ({}, {}, Outcome.ERROR),
    ],
)
def test_as_found(before: dict[str, str], after: dict[str, str], outcome: Outcome) -> None:
    """Any difference fails, a missing fingerprint too; without any nothing is proven."""
    assert judge_as_found(before, after).outcome is outcome


def test_what_refers_to_tenants_rows_is_theirs() -> None:
    """A table without the tenant's column is a tenant's when it refers to one, however far; a table of nobody's is not."""
    child = relation("notes", 2, columns=(column("id"),), refers=(1,))
    grandchild = relation("marks", 3, columns=(column("id"),), refers=(2,))
    nobodys = relation("countries", 4, columns=(column("code"),))

    assert owned_by_tenants((grandchild, child, relation(), nobodys), "organization_id") == {1, 2, 3}


_CONTEXT = "NULLIF(current_setting('app.organization_id'::text, true), ''::text)"


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        (f"(organization_id = ({_CONTEXT})::uuid)", Outcome.PASS),
        (f"((organization_id)::text = {_CONTEXT})", Outcome.PASS),
        (f"(({_CONTEXT})::uuid = organization_id)", Outcome.PASS),
        ("(organization_id = context.organization())", Outcome.PASS),
        (f"((organization_id = ({_CONTEXT})::uuid) AND (created_at < now()))", Outcome.PASS),
        (f"((organization_id = ({_CONTEXT})::uuid) OR (channel = 'push'::text))", Outcome.FAIL),
        (f"((organization_id = ({_CONTEXT})::uuid) AND (a OR b) OR (channel = 'push'::text))", Outcome.FAIL),
        ("(created_at < (now() - '1 year'::interval))", Outcome.FAIL),
        ("(organization_id = organization_id)", Outcome.FAIL),
        (f"(organization_id = COALESCE(({_CONTEXT})::uuid, organization_id))", Outcome.FAIL),
        (f"(organization_id <> ({_CONTEXT})::uuid)", Outcome.FAIL),
        ("true", Outcome.FAIL),
    ],
)
def test_a_policy_requires_the_tenant(condition: str, outcome: Outcome) -> None:
    """Only a condition that cannot hold for another tenant's row looks right."""
    policies = [Policy("p", permissive=True, command="*", conditions=(condition,))]

    assert judge_policies("leads", policies, "organization_id", "app.organization_id").outcome is outcome


def test_a_restrictive_policy_requires_it_for_all() -> None:
    """What a permissive policy lets through, a restrictive one for all commands may keep out."""
    strict = Policy("s", permissive=False, command="*", conditions=(f"(organization_id = ({_CONTEXT})::uuid)",))
    loose = Policy("l", permissive=True, command="r", conditions=("true",))

    assert judge_policies("leads", [strict, loose], "organization_id", "app.organization_id").outcome is Outcome.PASS
