"""Which logins are declared or issued, and which power a tenant-bound one must not have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.observe.postgres import Role
from constat.outcome import Outcome
from constat.target import DeclaredLogin, LoginKind
from suites.security.test_logins import LONGEST, is_issued, judge_logins, judge_store

NOTHING: frozenset[str] = frozenset()
APP = Role(name="app", can_login=True, attributes=NOTHING, seconds_left=None, member_of=frozenset({"application"}), owns=False)
GROUP = replace(APP, name="application", can_login=False, member_of=NOTHING)
OWNER = replace(GROUP, name="owner", owns=True)
READER = replace(GROUP, name="pg_read_all_data")
ISSUED = replace(APP, name="issued-app-1", seconds_left=600.0)
DECLARED = {
    "app": DeclaredLogin(kind=LoginKind.TENANT_BOUND, reason="the services"),
    "owner": DeclaredLogin(kind=LoginKind.OPERATOR, reason="owns the schema", may=frozenset({"owner of objects", "CREATEDB"})),
}
POWERS = ("SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION")


def outcome_of(*roles: Role, name: str = "app") -> Outcome:
    """How the login fares beside the group, the owner and PostgreSQL's reader."""
    known = {role.name: role for role in (GROUP, OWNER, READER, *roles)}
    return next(j.outcome for j in judge_logins(tuple(known.values()), DECLARED, ("issued-",)) if j.subject == name)


def test_the_application_without_power_passes() -> None:
    """A declared tenant-bound login with its group alone is as it should be."""
    assert outcome_of(APP) is Outcome.PASS


def test_a_login_that_nobody_declared_fails() -> None:
    """An undeclared login is a finding, whatever it can do."""
    assert outcome_of(replace(APP, name="dashboard"), name="dashboard") is Outcome.FAIL


@given(st.sets(st.sampled_from(POWERS), min_size=1))
def test_any_power_of_its_own_fails(powers: set[str]) -> None:
    """Each attribute of an operator is one too many."""
    assert outcome_of(replace(APP, attributes=frozenset(powers))) is Outcome.FAIL


@pytest.mark.parametrize("group", ["owner", "pg_read_all_data"])
def test_power_by_membership_fails(group: str) -> None:
    """Being a member of an operator, an owner or one of PostgreSQL's own roles is power, inherited or not."""
    assert outcome_of(replace(APP, member_of=APP.member_of | {group})) is Outcome.FAIL


def test_a_group_with_a_power_is_power() -> None:
    """A group that may bypass row level security is as bad as doing so oneself."""
    group = replace(GROUP, attributes=frozenset({"BYPASSRLS"}))

    assert outcome_of(APP, group) is Outcome.FAIL


def test_owning_something_fails() -> None:
    """An owner is not bound by its own policies."""
    assert outcome_of(replace(APP, owns=True)) is Outcome.FAIL


def test_an_operator_has_the_powers_that_are_declared() -> None:
    """What the target names is an operator's, and nothing else."""
    owner = replace(OWNER, can_login=True, attributes=frozenset({"CREATEDB"}))

    assert outcome_of(owner, name="owner") is Outcome.PASS
    assert outcome_of(replace(owner, attributes=frozenset({"SUPERUSER"})), name="owner") is Outcome.FAIL


def test_a_guarded_function_is_a_power() -> None:
    """What a fresh cluster keeps from everybody is a tenant's login's no more than an operator's that does not declare it."""
    reads = frozenset({"pg_read_file"})

    assert outcome_of(replace(APP, extras=reads)) is Outcome.FAIL
    assert outcome_of(replace(OWNER, can_login=True, extras=reads), name="owner") is Outcome.FAIL


@pytest.mark.parametrize(
    ("found", "declared", "expected"),
    [
        ({"admin", "t1"}, {"admin": "operators"}, Outcome.PASS),
        ({"admin", "method/t1"}, {"admin": "operators"}, Outcome.PASS),
        ({"admin", "ops"}, {"admin": "operators"}, Outcome.FAIL),
        ({"admin"}, None, Outcome.NOT_REVIEWED),
        (set(), {"admin": "operators"}, Outcome.ERROR),
    ],
)
def test_every_identity_is_a_tenants_or_declared(found: set[str], declared: dict[str, str] | None, expected: Outcome) -> None:
    """One that is neither is a finding; a store that says nothing, or of which nothing is said, is not green."""
    assert judge_store("broker", frozenset(found), frozenset({"t1"}), declared).outcome is expected


def test_an_issued_login_is_held_to_the_same() -> None:
    """A login that the secret store has issued is tenant-bound: it passes without power and fails with it."""
    strong = replace(ISSUED, attributes=frozenset({"CREATEDB"}))

    assert [outcome_of(login, name=login.name) for login in (ISSUED, strong)] == [Outcome.PASS, Outcome.FAIL]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (ISSUED, True),
        (replace(ISSUED, seconds_left=None), False),
        (replace(ISSUED, seconds_left=LONGEST + 1.0), False),
        (replace(ISSUED, name="app-issued-1"), False),
    ],
)
def test_only_the_template_and_an_early_end_make_a_login_issued(role: Role, *, expected: bool) -> None:
    """The name must begin as the template does, and the login must end within a day."""
    assert is_issued(role, ("issued-",)) is expected


def test_nothing_is_issued_without_a_secret_store() -> None:
    """Without a template no name is recognised."""
    assert not is_issued(ISSUED, ())


def test_coverage_counts_logins_and_not_groups() -> None:
    """What cannot log in is not a subject."""
    subjects = [judgement.subject for judgement in judge_logins((APP, GROUP), DECLARED, ())]

    assert subjects == ["app", "coverage"]
