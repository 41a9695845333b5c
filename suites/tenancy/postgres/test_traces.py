"""Traces: what exists at another tenant, how much and how often, cannot be told either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.outcome import Impact, Severity
from suites.tenancy.postgres import channels, pairs, traces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.judgement import Findings, Judgement
    from suites.tenancy.postgres.field import Field

NEEDS: Final = ("postgres", "tenants")


@control(
    "TEN-PG-10",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-203", "CWE-204"),
    remediation="Begin every unique key and every reference with the tenant's column.",
)
def test_keys_tell_nothing_of_another_tenant(entered: Field, findings: Findings) -> None:
    """A key or a reference that exists at another tenant is answered like one that exists nowhere."""
    findings.judge(pairs.attacked(entered))


@control(
    "TEN-PG-11",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.database",),
    refs=("CWE-203", "CWE-497"),
    remediation="Revoke the view, the sequence or the statistic from the application; draw ids at random instead of counting them.",
)
def test_writing_leaves_no_trace_at_another_tenant(entered: Field, findings: Findings) -> None:
    """Nothing that a tenant can read or listen to changes because another tenant writes."""
    findings.judge(_traces(entered))


def _traces(field: Field) -> Iterator[Judgement]:
    yield from traces.attacked(field)
    yield from channels.notified(field)
