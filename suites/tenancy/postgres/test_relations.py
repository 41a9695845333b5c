"""Relations: whatever the application can reach, one tenant's context keeps every other tenant out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from constat.attempt import Attempt, attempt
from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe.relations import Relation, in_reference_order, relations
from constat.outcome import Impact, Outcome, Severity, worst
from constat.target import LoginKind
from suites.tenancy.postgres import acts
from suites.tenancy.postgres.acts import Scene
from suites.tenancy.postgres.seeder import WRITABLE, Seeder
from suites.tenancy.postgres.sessions import Attacker, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from constat.stack import Stack
    from constat.target import Target

NEEDS: Final = ("postgres", "tenants")
PROMISES: Final = ("isolation.database",)
REMEDIATION: Final = "Enable and FORCE row level security on the relation, with one policy on the tenant column for USING and WITH CHECK."


@dataclass(frozen=True, kw_only=True)
class Field:
    """Everything that the attacks of one run share."""

    reachable: tuple[Relation, ...]
    seeder: Seeder
    attacker: Attacker
    nobody: Attacker
    pair: tuple[str, str]
    tenant_column: str
    accepted: dict[str, str]


@pytest.fixture(scope="module")
def field(stack: Stack, target: Target, attack_pair: tuple[str, str]) -> Iterator[Field]:
    """Seeded relations and the ways in; every planted row is removed afterwards."""
    assert stack.postgres is not None  # the controls need it
    database = stack.postgres
    oracle, application = connect(database.admin_dsn), connect(database.pooler_dsn)
    with oracle, application:
        login = attacker_login(application, target)
        found = relations(oracle, login)
        organizations = {name: stack.tenants[name].organization_id for name in attack_pair}
        seeder = Seeder(oracle, database.tenant_column, organizations)
        try:
            seeder.plant(found)
            yield Field(
                reachable=tuple(relation for relation in found if relation.privileges),
                seeder=seeder,
                attacker=Attacker(application, database.context_setting, organizations[attack_pair[0]]),
                nobody=Attacker(application, database.context_setting, None),
                pair=attack_pair,
                tenant_column=database.tenant_column,
                accepted=target.isolation.shared,
            )
        finally:
            seeder.remove()


def attacker_login(application: Connection[Any], target: Target) -> str:
    """Who the attacker really is; Unobservable unless the target declares that login as tenant-bound.

    An attacker with an operator's login proves nothing about tenants.
    """
    row = application.execute("SELECT session_user").fetchone()
    login = str(row[0]) if row else ""
    declared = target.isolation.logins.get(login)
    if declared is None or declared.kind is not LoginKind.TENANT_BOUND:
        msg = f"the harness's attacker is {login!r}, which the target does not declare as tenant-bound: nothing would be proven"
        raise Unobservable(msg)
    return login


@control(
    "TEN-PG-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639"),
    remediation=REMEDIATION,
)
def test_a_tenant_reads_no_row_of_another(field: Field, findings: Findings) -> None:
    """In one tenant's context, and in none at all, no row of another tenant is read from any relation."""
    findings.judge(_judged(field, "SELECT", acts.reads))


@control(
    "TEN-PG-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639"),
    remediation=REMEDIATION,
)
def test_a_tenant_changes_no_row_of_another(field: Field, findings: Findings) -> None:
    """In one tenant's context, and in none at all, no row of another tenant is changed, with or without a condition."""
    findings.judge(_judged(field, "UPDATE", acts.changes))


@control(
    "TEN-PG-03",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639"),
    remediation="Give the relation's policy a WITH CHECK on the tenant column, for every command.",
)
def test_a_tenant_puts_no_row_among_those_of_another(field: Field, findings: Findings) -> None:
    """In one tenant's context, and in none at all, no row is inserted for, or moved to, another tenant."""
    findings.judge(_judged(field, "INSERT", acts.moves, also="UPDATE"))


@control(
    "TEN-PG-04",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639"),
    remediation=REMEDIATION,
)
def test_a_tenant_deletes_no_row_of_another(field: Field, findings: Findings) -> None:
    """In one tenant's context, and in none at all, no row of another tenant is deleted, with or without a condition."""
    findings.judge(_judged(field, "DELETE", acts.deletions))


def _judged(field: Field, privilege: str, attempts: Callable[[Scene], Iterator[Attempt]], also: str = "") -> Iterator[Judgement]:
    touched = [relation for relation in field.reachable if {privilege, also} & relation.privileges]
    attacked, left_out = 0, []
    for relation in touched:
        judgement = _one(field, relation, attempts)
        attacked += judgement.outcome is not Outcome.NOT_REVIEWED
        left_out += [str(relation)] if judgement.outcome is Outcome.NOT_REVIEWED else []
        yield judgement
    yield coverage(attacked, len(touched), what=f"relations that the application may {privilege}", left_out=tuple(left_out))
    if truncatable := [str(relation) for relation in field.reachable if "TRUNCATE" in relation.privileges] if privilege == "DELETE" else []:
        yield Judgement(
            subject="truncate",
            outcome=Outcome.FAIL,
            reason="TRUNCATE is granted, and row level security does not apply to it",
            expected=[],
            observed=truncatable,
        )


def _one(field: Field, relation: Relation, attempts: Callable[[Scene], Iterator[Attempt]]) -> Judgement:
    """The relation is as good as the worst of its attempts."""
    if str(relation) in field.accepted:
        reason = f"declared as shared by all tenants: {field.accepted[str(relation)]}"
        return Judgement(subject=str(relation), outcome=Outcome.NOT_APPLICABLE, reason=reason)
    scene = _scene(field, relation)
    if isinstance(scene, str):
        return Judgement(subject=str(relation), outcome=Outcome.NOT_REVIEWED, reason=scene)
    tried = [attempt(plan) for plan in attempts(scene)]
    outcome = worst(judgement.outcome for judgement in tried)
    telling = next((judgement for judgement in tried if judgement.outcome is outcome), None)
    seen = {judgement.subject.partition(": ")[2]: judgement.observed for judgement in tried}
    how = telling.subject.partition(": ")[2] if telling else ""
    reason = f"{how}: {telling.reason}" if telling and outcome is not Outcome.PASS else f"{len(tried)} attempts refused"
    return Judgement(
        subject=str(relation),
        outcome=outcome,
        reason=reason,
        expected=telling.expected if telling else None,
        observed=seen,
        positive_control=telling.positive_control if telling else None,
        evidence=telling.evidence if telling else (),
    )


def _scene(field: Field, relation: Relation) -> Scene | str:
    """What is needed to attack the relation, or why it cannot be."""
    if not relation.has(field.tenant_column):
        why = f"it has no column {field.tenant_column!r}, so nobody can say whose a row is"
        return f"{why}; declare it in [isolation.shared] or take the grant away"
    source = relation if (relation.oid, field.pair[0]) in field.seeder.seeds else _showing(field, relation)
    if source is None:
        return field.seeder.problems.get(relation.oid) or "no planted row is visible through it"
    mine, theirs = field.pair
    return Scene(
        relation=relation,
        tenant_column=field.tenant_column,
        mine=field.seeder.seeds[source.oid, mine],
        spare=field.seeder.spare[source.oid, mine],
        theirs=field.seeder.seeds[source.oid, theirs],
        attacker=field.attacker,
        nobody=field.nobody,
        seeder=field.seeder,
        referring=_referring(field, relation),
    )


def _showing(field: Field, relation: Relation) -> Relation | None:
    """The seeded relation whose planted rows the oracle sees through this view or partition."""
    mine, theirs = field.pair
    for (oid, tenant), seed in field.seeder.seeds.items():
        if tenant != theirs or (oid, mine) not in field.seeder.seeds:
            continue
        if seed.canary in field.seeder.state_of(relation, seed.organization_id):
            return seed.relation
    return None


def _referring(field: Field, relation: Relation) -> tuple[Relation, ...]:
    """What refers to the relation, directly or not, so that it can be cleared first in a transaction that is rolled back."""
    reached = {relation.oid}
    ordered = in_reference_order(field.reachable)
    for other in ordered:
        if any(reference.relation in reached for reference in other.references):
            reached.add(other.oid)
    return tuple(other for other in reversed(ordered) if other.oid in reached - {relation.oid} and other.kind in WRITABLE)
