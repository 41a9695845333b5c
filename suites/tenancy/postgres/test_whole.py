"""The whole: requests that meet in the pool, what injected SQL would reach, what looks wrong, and what the suite leaves behind."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.outcome import Impact, Severity
from suites.tenancy.postgres import appearance, found, handing, pool, pooler, reach

if TYPE_CHECKING:
    from constat.judgement import Findings
    from suites.tenancy.postgres.field import Field

NEEDS: Final = ("postgres", "tenants")


@control(
    "TEN-PG-12",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-488", "CWE-362"),
    remediation="Set the context inside each transaction, and let the pooler reset a server connection before another client gets it.",
)
def test_no_request_sees_anothers_context(field: Field, findings: Findings) -> None:
    """Interleaved through the pool, with errors, timeouts, cancellations and disconnects, each request sees its own tenant only."""
    findings.judge(itertools.chain(pool.attacked(field), handing.attacked(field), pooler.attacked(field)))


@control(
    "TEN-PG-13",
    severity=Severity.MEDIUM,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-89", "OWASP ASVS 1.2.4"),
    remediation="Take the right away where PostgreSQL lets you, or accept it in [isolation.accepts] with the reason.",
)
def test_what_injected_sql_reaches_is_accepted(entered: Field, findings: Findings) -> None:
    """Arbitrary SQL in the application's login reaches nothing that the target does not accept."""
    findings.judge(reach.attacked(entered))


@control(
    "TEN-PG-14",
    severity=Severity.LOW,
    impact=Impact.OBSERVE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CIS PostgreSQL 4.8", "CWE-1188"),
    remediation="Enable and FORCE row level security, make views SECURITY INVOKER, and pin the search path of definer functions.",
)
def test_nothing_looks_wrong(field: Field, findings: Findings) -> None:
    """No relation, view or function looks unguarded, whatever the attacks say, and no kind of object is one that nobody attacks."""
    findings.judge(appearance.looked(field))


@control(
    "TEN-PG-15",
    severity=Severity.MEDIUM,
    impact=Impact.PROBE,
    needs=NEEDS,
    refs=("ISO 27001 A.8.34",),
    remediation="Look at the named relation: a trigger or rule keeps what the suite wrote, so run it on a disposable copy.",
)
def test_the_database_is_left_as_it_was_found(field: Field, findings: Findings) -> None:
    """When every planted row is taken away, rules, rights and the tenants' rows are as they were before."""
    findings.judge([found.judge_as_found(field.found, field.left())])
