"""Settings: what every server says that it runs with, beside what the platform declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat import settings
from constat.control import control
from constat.observe.settings import observed, questions
from constat.outcome import Impact, Severity
from suites.contract.drift import judge_tables

if TYPE_CHECKING:
    from constat.judgement import Findings
    from constat.stack import Stack


@control(
    "CON-SET-01",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("declared",),
    promises=("hosts",),
    refs=("NIST CM-2", "NIST CM-6", "CIS Controls 4.1", "ISO 27001 A.8.9", "SOC 2 CC7.1"),
    remediation="Put each named setting back to what is declared, or change the platform's own templates and run `constat up`.",
)
def test_every_server_runs_with_what_was_declared(stack: Stack, findings: Findings) -> None:
    """Every server says that it runs with every setting, right and rule that the platform declares, and with no other."""
    asked = questions(stack)
    said, silent = observed(asked)
    findings.judge(judge_tables(settings.load(stack.declared, "servers"), said, silent, what="servers and stores"))
