"""Relations: whatever the application can reach, one tenant's context keeps every other tenant out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.outcome import Impact, Severity
from suites.tenancy.postgres import acts
from suites.tenancy.postgres.waves import attacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings, Judgement
    from suites.tenancy.postgres.field import Field
    from suites.tenancy.postgres.waves import Planner

NEEDS: Final = ("postgres", "tenants")
PROMISES: Final = ("isolation.database",)
REMEDIATION: Final = "Enable and FORCE row level security on the relation, with one policy on the tenant column for USING and WITH CHECK."


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
    findings.judge(_attacked(field, acts.reads, "SELECT"))


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
    findings.judge(_attacked(field, acts.changes, "UPDATE"))


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
    movable = [relation for relation in field.reachable if acts.is_movable(relation, field.database.tenant_column)]
    findings.judge(attacked(field, movable, acts.moves, what="relations into which the application may put rows"))


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
    findings.judge(_attacked(field, acts.deletions, "DELETE", "TRUNCATE"))


def _attacked(field: Field, planner: Planner, *commands: str) -> Iterator[Judgement]:
    """Every relation on which the application may do any of the commands."""
    touched = [relation for relation in field.reachable if relation.privileges & set(commands)]
    yield from attacked(field, touched, planner, what=f"relations that the application may {' or '.join(commands)}")
