"""What was deployed: files and processes, beside those that the platform declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat import settings
from constat.control import control
from constat.observe import deployed
from constat.outcome import Impact, Severity
from suites.contract.drift import judge_tables

if TYPE_CHECKING:
    from constat.judgement import Findings
    from constat.stack import Stack


@control(
    "HOS-06",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("declared", "local_processes"),
    promises=("hosts",),
    refs=("NIST CM-3", "NIST SI-7", "CIS Controls 4.1", "ISO 27001 A.8.9", "ISO 27001 A.8.32"),
    remediation="Run `constat up`: it writes every file as it is declared and starts what reads it again; find out who has changed it.",
)
def test_files_and_processes_are_as_they_were_deployed(stack: Stack, findings: Findings) -> None:
    """Every deployed file says what the platform declares, and every process is there, going, as whom and with what it was started."""
    files, processes = settings.load(stack.declared, "files"), settings.load(stack.declared, "processes")
    there = deployed.files(stack.run_dir, files) | _prefixed(deployed.processes(stack.run_dir))
    findings.judge(judge_tables(files | _prefixed(processes), there, {}, what="nodes and processes"))


def _prefixed(processes: settings.Table) -> settings.Table:
    return {f"process {name}": said for name, said in processes.items()}
