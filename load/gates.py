"""Validity gates: whether the instrument can vouch for what it measured; a breach is INCONCLUSIVE, never a verdict.

The gates are about the generator's own core, loop and connections.  That the platform is
busy breaks none of them.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from load.samples import OWN_FAULT, UNSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from load.samples import Measured

DISPATCHED_SHARE: Final = 0.99
MEAN_CPU: Final = 0.70
HIGHEST_CPU: Final = 0.85
STALLED_SHARE: Final = 0.01
STOLEN_SHARE: Final = 0.02
# What a process needs to end after its last reading; of the shortest run that is 5 % and of a common one 2 %.
CLOCK_SECONDS: Final = 1.0
_SEEN_AT: Final = 0.95


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One property of the instrument: what it had to be, what it was."""

    name: str
    required: str
    seen: str
    holds: bool


def gates(run: Measured) -> tuple[Gate, ...]:
    """Judge the instrument of one run."""
    return (_schedule(run), _cpu(run), _lag(run), _heartbeat(run), _control(run), _client(run), _clock(run), _machine(run))


def table(found: Sequence[Gate]) -> str:
    """As text, one line a gate."""
    rows = _rows(found)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows) + "\n"


def to_csv(found: Sequence[Gate]) -> str:
    """As data, one line a gate."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(_rows(found))
    return out.getvalue()


def _rows(found: Sequence[Gate]) -> list[tuple[str, str, str, str]]:
    told = [(gate.name, gate.required, gate.seen, "yes" if gate.holds else "NO") for gate in found]
    return [("gate", "required", "seen", "holds"), *told]


def _schedule(run: Measured) -> Gate:
    on_time = sum(sample.row.sent <= run.plan.length for sample in run.samples)
    dropped = sum(sample.row.result == UNSENT for sample in run.samples)
    share = on_time / len(run.samples) if run.samples else 0.0
    return Gate(
        name="schedule kept",
        required=f"at least {DISPATCHED_SHARE:.0%} sent by the planned end, none dropped",
        seen=f"{share:.2%} of {len(run.samples)}, {dropped} dropped",
        holds=share >= DISPATCHED_SHARE and dropped == 0,
    )


def _cpu(run: Measured) -> Gate:
    cpu = run.watch.cpu
    mean, highest = (sum(cpu) / len(cpu), max(cpu)) if cpu else (math.inf, math.inf)
    return Gate(
        name="generator CPU",
        required=f"mean at most {MEAN_CPU:.0%} of its core, no second above {HIGHEST_CPU:.0%}",
        seen=f"mean {mean:.0%}, highest {highest:.0%}",
        holds=mean <= MEAN_CPU and highest <= HIGHEST_CPU,
    )


def _lag(run: Measured) -> Gate:
    allowed = max(0.005, 0.02 * run.plan.limit)
    lags = [sample.lag for sample in (*run.window(lambda _: True), *run.control())]
    late = _quantile(lags, 0.99)
    return Gate(
        name="send lag",
        required=f"p99 at most {_ms(allowed)}",
        seen=f"p99 {_ms(late)}, p99.9 {_ms(_quantile(lags, 0.999))}",
        holds=late <= allowed,
    )


def _heartbeat(run: Measured) -> Gate:
    stalls = [stall.seconds for stall in run.watch.stalls if run.plan.warmup <= stall.begin < run.plan.length]
    share = sum(stalls) / run.plan.duration
    return Gate(
        name="loop heartbeat",
        required=f"stalled at most {STALLED_SHARE:.0%} of the time",
        seen=f"{share:.2%} in {len(stalls)} stalls, the longest {_ms(max(stalls, default=0.0))}",
        holds=share <= STALLED_SHARE,
    )


def _control(run: Measured) -> Gate:
    allowed = max(0.005, 0.05 * run.plan.limit)
    stream = run.control()
    error = _quantile([sample.latency for sample in stream], _SEEN_AT) - run.plan.control_delay
    return Gate(
        name="control stream",
        required=f"p95 within {_ms(allowed)} of the known {_ms(run.plan.control_delay)}",
        seen=f"p95 off by {_ms(error)} over {len(stream)} requests",
        holds=abs(error) <= allowed,
    )


def _client(run: Measured) -> Gate:
    own = sorted({sample.row.result for sample in run.samples if sample.row.result.startswith(OWN_FAULT)})
    return Gate(
        name="client errors",
        required="no request fails for want of the generator's own resources",
        seen=", ".join(own) or "none",
        holds=not own,
    )


def _clock(run: Measured) -> Gate:
    """The generator's clock against its parent's: one that runs at another pace leaves the parent's window, or a gap in it."""
    before = [seen.before for seen in run.outside]
    after = [seen.after for seen in run.outside]
    first, last = _ms(min(before, default=math.inf)), _ms(max(after, key=abs, default=math.inf))
    return Gate(
        name="clock",
        required=f"agrees with its parent's, to {_ms(CLOCK_SECONDS)} at the end",
        seen=f"first read {first} after its birth, last {last} before its end",
        holds=bool(after) and all(begin >= 0 for begin in before) and all(0 <= end <= CLOCK_SECONDS for end in after),
    )


def _machine(run: Measured) -> Gate:
    stolen = max((seen.stolen for seen in run.outside), default=math.inf)
    return Gate(
        name="machine",
        required=f"at most {STOLEN_SHARE:.0%} of its time stolen by another on the same hardware",
        seen=f"{stolen:.2%}",
        holds=stolen <= STOLEN_SHARE,
    )


def _quantile(values: Sequence[float], share: float) -> float:
    """Of nothing at all it is infinite: nothing was shown."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * share) - 1)] if ranked else math.inf


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if math.isfinite(seconds) else "without end"
