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
from constat.statistics import LEAST_INFORMATION, Average, Exceedance
from load import gates
from load.operations import OK
from load.promises import ERRORS, MEAN
from load.samples import to_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from load.gates import Gate
    from load.judging import Reading, Subject, Verdict
    from load.plan import Plan
    from load.promises import Promise
    from load.samples import Measured

CONFIDENCE: Final = "97.5 % one-sided confidence, all subjects and looks together (Holm)"
LONGER: Final = "look for what else this machine does, or raise objectives.latency.duration_seconds"
ROOM: Final = "give the generator real-time scheduling (CAP_SYS_NICE), a quieter machine, or one of its own"
SLOWER: Final = "slower than"
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
    verdicts: tuple[Verdict, ...]
    # Routes that are not judged by themselves.
    rare: tuple[Subject, ...]


def statement(report: Report) -> str:
    """State what was shown of the whole, with every condition that it was shown under."""
    plan, total = report.run.plan, report.verdicts[0]
    mix = ", ".join(f"{share:.0%} {name}" for name, share in plan.mix.items())
    # A leak is a FAIL whatever the latency was, so it says nothing of a promise.
    claims = ", and ".join(_claim(reading.promise, found) for reading, found in zip(total.subject.readings, total.found, strict=True))
    return (
        f"Under open Poisson arrivals at {plan.rate:g} requests a second ({plan.users} users who think {plan.think:g} s; {mix}; "
        f"{len(plan.tenants)} tenants: {', '.join(plan.tenants)}) "
        f"for {plan.duration:g} s{_stages(plan)} after {plan.warmup:g} s of warm-up, {claims}, "
        f"errors, wrong answers and time-outs counted as slower, with {CONFIDENCE}; estimated {'; '.join(_estimates(total.subject))}; "
        f"{_gates(report.instrument)}; {_place(report.gateway_url)}. {total.outcome}: {total.reason}."
    )


def _claim(promise: Promise, outcome: Outcome) -> str:
    if promise.name == MEAN:
        return f"the mean latency {_CLAIM[outcome]} {milliseconds(promise.seconds)}"
    what = "that failed" if promise.name == ERRORS else f"slower than {milliseconds(promise.seconds)}"
    return f"the share of requests {what} {_CLAIM[outcome]} {percent(promise.allowed)}"


def _estimates(subject: Subject) -> list[str]:
    return [told for name, told in observed(subject).items() if not name.startswith(SLOWER)]


def _stages(plan: Plan) -> str:
    return f" in {plan.stages} stages (planned for a run that cannot decide)" if plan.stages > 1 else ""


def expected(plan: Plan) -> dict[str, str]:
    """The promises, in the words of `observed`."""
    told: dict[str, str] = {}
    for one in plan.promises:
        limit = percent(one.allowed) if one.name == ERRORS else milliseconds(one.seconds)
        told |= {one.name: f"at most {limit}"}
        told |= {f"{SLOWER} {one.name}": f"at most {percent(one.allowed)}"} if one.is_quantile else {}
    return told


def observed(subject: Subject) -> dict[str, str]:
    """What was measured of one subject, promise by promise."""
    told: dict[str, str] = {}
    for one in subject.readings:
        name, found = one.promise.name, one.measured
        if isinstance(found, Average):
            told |= {name: f"{name} = {milliseconds(found.mean)} ± {milliseconds(found.error, beyond='unknown')}"}
        elif one.interval is None:
            told |= {name: f"{name} = {_counted(found)}"}
        else:
            low, high = milliseconds(one.interval.low), milliseconds(one.interval.high, beyond="no bound")
            told |= {name: f"{name} = {milliseconds(one.interval.estimate)} [{low}, {high}]", f"{SLOWER} {name}": _counted(found)}
    return told


def _counted(found: Exceedance) -> str:
    return f"{found.share:.2%} ({found.exceeding} of {found.requests}, worth {found.worth:.0f} independent ones)"


def uninformed(found: Exceedance | Average) -> str:
    """Say that there were too few requests, and how many it takes."""
    if isinstance(found, Average):
        return f"information: {found.requests} requests are too few for the error of a mean; {LONGER}"
    return (
        f"information: {found.requests} requests are worth {found.worth:.0f} independent ones "
        f"(design effect {found.design_effect:.1f}), at least {LEAST_INFORMATION / found.allowed:.0f} are needed; {LONGER}"
    )


def reason(subject: Subject, deciding: Reading, outcome: Outcome) -> str:
    """Say in a few words why an instrument that can be trusted led to this outcome."""
    seen, limit = _seen(deciding)
    failed = ", ".join(f"{count} {word}" for word, count in subject.failures.most_common())
    told = f"{seen}{f' ({failed})' if failed else ''}"
    if outcome is Outcome.INCONCLUSIVE:
        return f"{told}, which does not decide about {limit}; {LONGER}"
    return f"{told}, {limit} may be"


def _seen(deciding: Reading) -> tuple[str, str]:
    """What was seen of a promise, and what it allows."""
    promise, found = deciding.promise, deciding.measured
    if isinstance(found, Average):
        return f"the mean of {found.requests} requests was {milliseconds(found.mean)}", milliseconds(promise.seconds)
    what = "failed" if promise.name == ERRORS else "were slower than promised or failed"
    return f"{found.share:.2%} of {found.requests} requests {what}", percent(promise.allowed)


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
    rows = [(str(one.outcome), one.subject) for one in report.verdicts] + [("too rare", subject) for subject in report.rare]
    return "".join(
        f"{word:<13} {subject.name}: {', '.join(f'{name}: {told}' for name, told in observed(subject).items())}{_effects(subject)}\n"
        for word, subject in rows
    )


def _effects(subject: Subject) -> str:
    effects = [f"{one.measured.design_effect:.1f}" for one in subject.readings if isinstance(one.measured, Exceedance)]
    return f", design effect {', '.join(effects)}" if effects else ""


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


def percent(share: float) -> str:
    """As people write it: 5%, 0.5%."""
    return f"{share * 100:.3g}%"
