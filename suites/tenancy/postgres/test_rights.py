"""Rights: what the application's login can become, make, change and enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.outcome import Impact, Severity
from suites.tenancy.postgres import acts, beside, issued, roles, settings, tomorrow
from suites.tenancy.postgres.waves import attacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings, Judgement
    from suites.tenancy.postgres.field import Field

NEEDS: Final = ("postgres", "tenants")


@control(
    "TEN-PG-07",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-488", "OWASP API1:2023"),
    remediation="Set the context with SET LOCAL in every transaction, store no default for it, and read it in STABLE functions only.",
)
def test_no_context_is_left_over(field: Field, findings: Findings) -> None:
    """A context that nobody has set, that is nobody's, or that another request has left behind, shows no row of any other tenant."""
    findings.judge(_contexts(field))


@control(
    "TEN-PG-08",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-269", "CIS PostgreSQL 4.3", "ISO 27001 A.8.2"),
    remediation="Revoke the membership or the grant; let the owner of the schema be a role that no service can take.",
)
def test_the_login_becomes_nobody_else(field: Field, findings: Findings) -> None:
    """No login of the application's, standing or issued, can take a role, enter a database or change a rule that keeps tenants apart."""
    findings.judge(_rights(field))


@control(
    "TEN-PG-09",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-668", "CWE-732", "CIS PostgreSQL 4.4"),
    remediation="Revoke the privilege from PUBLIC and from the application, or accept it in [isolation.accepts] with the reason.",
)
def test_nothing_beside_the_tables_is_shared(field: Field, findings: Findings) -> None:
    """Files, programs, large objects, messages, locks, sessions and the server's own state are closed to the application's login."""
    findings.judge(beside.attacked(field))


def _contexts(field: Field) -> Iterator[Judgement]:
    yield from settings.attacked(field)
    readable = [relation for relation in field.reachable if relation.readable]
    yield from attacked(field, readable, acts.contexts, what="relations that the application may SELECT")


def _rights(field: Field) -> Iterator[Judgement]:
    yield from roles.assumed(field)
    yield from roles.others(field)
    yield from issued.attacked(field)
    yield from roles.made(field)
    yield from tomorrow.made(field)
    yield from beside.databases(field)
