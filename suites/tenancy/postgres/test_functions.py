"""Functions: whatever the application may call shows, changes and tells nothing of another tenant."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.outcome import Impact, Severity
from suites.tenancy.postgres import functions, leakproof, shadowing

if TYPE_CHECKING:
    from constat.judgement import Findings
    from suites.tenancy.postgres.field import Field

NEEDS: Final = ("postgres", "tenants")


@control(
    "TEN-PG-05",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("OWASP API1:2023", "CWE-639", "CWE-269"),
    remediation="Make the function SECURITY INVOKER, or let it take the tenant from the context; revoke EXECUTE from PUBLIC.",
)
def test_no_function_reaches_another_tenant(entered: Field, findings: Findings) -> None:
    """Called with another tenant's ids and names, and with wildcards, no function shows, changes or tells anything of that tenant."""
    findings.judge(itertools.chain(functions.attacked(entered), leakproof.attacked(entered)))


@control(
    "TEN-PG-06",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CVE-2018-1058", "CWE-426"),
    remediation="Pin search_path in every function that runs with another's rights or guards a policy; revoke TEMPORARY on the database.",
)
def test_nothing_can_be_shadowed(entered: Field, findings: Findings) -> None:
    """No temporary table that takes another's name opens a policy, a view or a function to another tenant's rows."""
    findings.judge(shadowing.attacked(entered))
