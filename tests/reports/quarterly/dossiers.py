"""Support module: dossiers of made-up runs, with every artefact or with none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from constat import artefact
from constat.objective import promise
from constat.outcome import Outcome
from constat.target import Target
from reports.quarterly.dossier import Dossier
from reports.quarterly.selftest import SelfTest, parse
from reports.run import load_run
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path

TARGET: dict[str, Any] = {
    "name": "embedded",
    "provider": "embedded",
    "environment": "staging",
    "impact": "disrupt",
    "objectives": {
        "recovery": {"rto_seconds": 14400, "rpo_seconds": 3600, "node_rto_seconds": 300, "node_rpo_seconds": 0, "retention_days": 30}
    },
    "promises": {"dr.objectives": "RTO < 4h, RPO < 1h", "latency.p95": "p95 < 200 ms"},
}
RULES = [
    Rule(id="BAK-01", title="A restore is exact.", promises=("backup.pitr",), refs=("ISO 27001 A.8.13", "SOC 2 A1.3")),
    Rule(id="CHA-01", title="A node dies.", promises=("dr.objectives",), refs=("ISO 27001 A.8.14", "DORA Art. 11(6)")),
]
ARTEFACTS: dict[str, Any] = {
    artefact.TIMELINE: {
        "node": "postgres-2",
        "utc": "2026-11-21T10:00:30.000Z",
        "clock_moved": 0.0,
        "tenants": ["t1", "t10"],
        "moments": [
            {"at": -30.0, "milestone": "BEGINS", "who": "", "words": "the ledger begins"},
            {"at": 0.0, "milestone": "COMMANDED", "who": "", "words": "fault commanded"},
            {"at": 21.7, "milestone": "TENANT", "who": "t1", "words": "the first write of t1 is acknowledged"},
            {"at": 60.0, "milestone": "NOVEL", "who": "", "words": "something {new}"},
        ],
        "outages": [{"tenant": "t1", "from": 0.2, "to": 21.7}, {"tenant": "t10", "from": 0.2, "to": 21.9}],
        "stalls": [{"to": 3.0, "seconds": 0.2}, {"to": 5.0, "seconds": 0.001}],
    },
    artefact.EXPOSURE: {
        "promised": 3600,
        "samples": [[0, 1.0], [60, 61.0], [120, 4.0]],
        "worst": {"at": 60, "seconds": 61.0},
    },
    artefact.WINDOW: {
        "from": "2026-11-20T10:00:00Z",
        "to": "2026-11-21T10:00:00Z",
        "promised_days": 30,
        "covered_seconds": 82800,
        "covered": [
            {"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T20:00:00Z"},
            {"from": "2026-11-20T21:00:00Z", "to": "2026-11-21T10:00:00Z"},
        ],
        "bases": [
            {"label": "20261120-100000F", "at": "2026-11-20T10:00:00Z"},
            {"label": "20261120-210000F", "at": "2026-11-20T21:00:00Z"},
        ],
        "gaps": ["00000001000000000000000A"],
    },
    artefact.PITR: {
        "targets": [
            {
                "kind": "time",
                "target": "2026-11-21 10:00:05+00:00",
                "outcome": "PASS",
                "seconds": 5.7,
                "tenants": [
                    {
                        "tenant": "t1",
                        "outcome": "PASS",
                        "expected": {"rows": 40, "sha256": "a" * 64},
                        "restored": {"rows": 40, "sha256": "a" * 64},
                    }
                ],
            },
            {"kind": "lsn", "target": "0/5000028", "outcome": "FAIL", "seconds": None, "tenants": []},
        ],
        "refused": [{"kind": "time", "target": "2026-11-21 11:00:00+00:00", "outcome": "PASS", "answer": "refused"}],
    },
    artefact.ACCESS: {
        "operations": ["read", "delete"],
        "actors": [
            {"name": "t1", "answers": {"read": {"answer": "403", "outcome": "PASS"}, "delete": {"answer": "204", "outcome": "FAIL"}}},
            {"name": "service", "answers": {"read": {"answer": "403", "outcome": "PASS"}}},
        ],
    },
    artefact.RESTORED_ISOLATION: {
        "checks": [{"control": "TEN-PG-01", "subject": "properties", "outcome": "PASS", "reason": "refused: zero rows"}]
    },
    artefact.RUNBOOK: {"steps": [{"step": "promote the standby", "instead": "it promoted itself", "seconds": 12.0}]},
}


def rto(seconds: float | str, outcome: Outcome = Outcome.PASS, *, uncertainty: float = 0.2, control: str = "CHA-01") -> Seen:
    """A finding that measures the RTO of a node."""
    observed = {"seconds": seconds, "uncertainty": uncertainty, "longest outage of a tenant": 1.0}
    return Seen(control=control, subject="rto", outcome=outcome, expected=promise("node_rto_seconds", 300.0), observed=observed)


def rpo(lost: int, acknowledged: int = 2497, *, subject: str = "rpo", resolution: float | str = 0.3) -> Seen:
    """A finding that measures the RPO of a node."""
    observed = {
        "seconds": float(lost),
        "lost": lost,
        "acknowledged": acknowledged,
        "acknowledged without the standby": 0,
        "unknown": 3,
        "unknown and there": 2,
        "resolution": resolution,
    }
    expected = promise("node_rpo_seconds", 0.0) | {"lost": 0}
    return Seen(control="CHA-01", subject=subject, outcome=Outcome.FAIL if lost else Outcome.PASS, expected=expected, observed=observed)


def dossier(directory: Path, seen: list[Seen], *, target: dict[str, Any] | None = None, self_test: SelfTest | None = None) -> Dossier:
    """A dossier of a run that found this."""
    run = load_run(write_run(directory, RULES, seen, promises={"dr.objectives": "RTO < 4h, RPO < 1h"}))
    return Dossier(run=run, target=Target.model_validate(target or TARGET), self_test=self_test, files={"run/plan.json": "0" * 64})


def complete(directory: Path, *, without: str = "") -> Dossier:
    """A dossier with every artefact but one, two drills and a self-test."""
    evidence = {name: json.dumps(document) for name, document in ARTEFACTS.items() if name != without}
    seen = [Seen(control="BAK-01", subject="restore", evidence=evidence), rto(21.7), rpo(0), rpo(0, subject="rpo: t1")]
    return dossier(directory, seen, self_test=detection())


def detection(
    *,
    survived: tuple[str, ...] = (),
    commit: str = "4f1c9f0c2a8e5f6d7b3a9c0e1d2f3a4b5c6d7e8f",
    alarms: tuple[str, ...] = (),
    left_out: tuple[str, ...] = (),
) -> SelfTest:
    """A self-test of the sample's version, in which these defects were not noticed, and these were not planted."""
    mutants = [
        {"id": name, "outcome": "survived" if name in survived else "killed", "by": by, "seconds": 1.0, "detail": "", "title": "a defect"}
        for name, by in (("MUT-BAK-01", ["BAK-01"]), ("MUT-CHA-01", ["CHA-01"]))
        if name not in left_out
    ]
    result = {"clean": {"runs": 2, "false_alarms": list(alarms)}, "mutants": mutants}
    origin = {"git_commit": commit, "constat_version": "0.1.0"}
    return parse({"detect.json": json.dumps(result).encode(), "command.json": json.dumps(origin).encode()}, "detection")
