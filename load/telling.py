"""What is told of a load run: the sentence that says exactly what was shown, reasons, and the evidence."""

from __future__ import annotations

import ipaddress
import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat.evidence import Evidence
from constat.outcome import Outcome
from load import gates
from load.operations import OK
from load.samples import to_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from load.gates import Gate
    from load.judging import Subject
    from load.plan import Plan
    from load.samples import Measured

CONFIDENCE: Final = "97.5 % one-sided confidence, all subjects and looks together (Holm)"
LONGER: Final = "look for what else this machine does, or raise objectives.latency.duration_seconds"
ROOM: Final = "give the generator real-time scheduling (CAP_SYS_NICE), a quieter machine, or one of its own"
_CLAIM: Final = {
    Outcome.PASS: "is at most",
    Outcome.FAIL: "is above",
    Outcome.INCONCLUSIVE: "could not be shown to be on either side of",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a run's evidence is made of."""

    run: Measured
    gateway_url: str
    instrument: tuple[Gate, ...]
    subjects: tuple[tuple[Subject, tuple[Outcome, str]], ...]
    # Routes that are not judged by themselves.
    rare: tuple[Subject, ...]


def statement(report: Report) -> str:
    """State what was shown of the whole, with every condition that it was shown under."""
    plan, (total, (outcome, why)) = report.run.plan, report.subjects[0]
    mix = ", ".join(f"{share:.0%} {name}" for name, share in plan.mix.items())
    # A leak is a FAIL whatever the latency was, so it says nothing of the share.
    claim = _CLAIM[Outcome.INCONCLUSIVE if total.leaks else outcome]
    return (
        f"Under open Poisson arrivals at {plan.rate:g} requests a second ({plan.users} users who think {plan.think:g} s; {mix}; "
        f"{len(plan.tenants)} tenants: {', '.join(plan.tenants)}) "
        f"for {plan.duration:g} s{_stages(plan)} after {plan.warmup:g} s of warm-up, "
        f"the share of requests slower than {milliseconds(plan.limit)} (errors, wrong answers and time-outs counted as slower) "
        f"{claim} {1 - plan.quantile:.0%} with {CONFIDENCE}; estimated {observed(total)['p95']}; "
        f"{_gates(report.instrument)}; {_place(report.gateway_url)}. {outcome}: {why}."
    )


def _stages(plan: Plan) -> str:
    return f" in {plan.stages} stages (planned for a run that cannot decide)" if plan.stages > 1 else ""


def expected(plan: Plan) -> dict[str, str]:
    """The promise, in the words of `observed`."""
    return {"p95": f"at most {milliseconds(plan.limit)}", "slower": f"at most {1 - plan.quantile:.0%}"}


def observed(subject: Subject) -> dict[str, str]:
    """What was measured of one subject."""
    found, p95 = subject.measured, subject.p95
    return {
        "p95": f"p95 = {milliseconds(p95.estimate)} [{milliseconds(p95.low)}, {milliseconds(p95.high, beyond='no bound')}]",
        "slower": f"{found.share:.2%} ({found.exceeding} of {found.requests}, worth {found.worth:.0f} independent ones)",
    }


def reason(subject: Subject, outcome: Outcome) -> str:
    """Say in a few words why an instrument that can be trusted led to this outcome."""
    found = subject.measured
    failed = ", ".join(f"{count} {word}" for word, count in subject.failures.most_common())
    seen = f"{found.share:.2%} of {found.requests} requests were slower than promised or failed{f' ({failed})' if failed else ''}"
    if outcome is Outcome.INCONCLUSIVE:
        return f"{seen}, which does not decide about {found.allowed:.0%}; {LONGER}"
    return f"{seen}, {found.allowed:.0%} may be"


def unvouched(broken: Sequence[Gate]) -> str:
    """Say which gates forbid a verdict, and what mends them."""
    named = "; ".join(f"{gate.name}: {gate.seen} (required: {gate.required})" for gate in broken)
    return f"the instrument cannot vouch for it: {named}; {ROOM}"


def positive_control(run: Measured) -> str:
    """What shows that the instrument can see: right answers, and the control stream's known delay."""
    right = sum(sample.row.result == OK for sample in run.window(lambda _: True))
    return f"{right} right answers by the same path; {len(run.control())} requests of known delay in the control stream"


def evidence(report: Report) -> tuple[Evidence, ...]:
    """The statement with its tables, the raw samples, and the plan that makes the same arrivals again."""
    plan = asdict(report.run.plan) | {"mix": dict(report.run.plan.mix)}
    told = "\n".join((statement(report), "", _subjects(report), _instrument(report), _discarded(report.run)))
    return (
        Evidence(name="statement.txt", content=told),
        Evidence(name="samples.csv", content=to_csv(report.run.samples), media_type="text/csv"),
        Evidence(name="gates.csv", content=gates.to_csv(report.instrument), media_type="text/csv"),
        Evidence(name="plan.json", content=json.dumps(plan, indent=1), media_type="application/json"),
    )


def _subjects(report: Report) -> str:
    rows = [(str(outcome), subject) for subject, (outcome, _) in report.subjects] + [("too rare", subject) for subject in report.rare]
    return "".join(
        f"{word:<13} {subject.name}: {observed(subject)['p95']}, slower {observed(subject)['slower']}, "
        f"design effect {subject.measured.design_effect:.1f}\n"
        for word, subject in rows
    )


def _instrument(report: Report) -> str:
    run = report.run
    priority = "ahead of everybody else" if run.undisturbed else "as everybody else (real-time scheduling was refused)"
    core = "the only core" if run.core is None else f"core {run.core}"
    return f"generator: on {core}, scheduled {priority}; seed {run.plan.seed}\n{gates.table(report.instrument)}"


def _discarded(run: Measured) -> str:
    early = [sample for sample in run.samples if sample.arrival.offset < run.plan.warmup]
    results = ", ".join(f"{count} {word}" for word, count in Counter(sample.row.result for sample in early).most_common())
    return f"discarded: the {len(early)} requests of the warm-up, control stream included ({results or 'none'})\n"


def _gates(instrument: tuple[Gate, ...]) -> str:
    broken = [gate.name for gate in instrument if not gate.holds]
    return f"broken gates: {', '.join(broken)}" if broken else f"all {len(instrument)} validity gates held"


def _place(gateway_url: str) -> str:
    """A platform on the loopback has the generator on its own machine."""
    host = urlsplit(gateway_url).hostname or ""
    if host == "localhost":
        return "co-located"
    try:
        return "co-located" if ipaddress.ip_address(host).is_loopback else "generator on another machine"
    except ValueError:
        return "generator on another machine"


def milliseconds(seconds: float, *, beyond: str = "no answer in time") -> str:
    """As people write it; what is infinite is said in words."""
    return f"{seconds * 1000:.1f} ms" if math.isfinite(seconds) else beyond
