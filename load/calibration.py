"""Whether the generator measures rightly on this machine: a known quantile, and a stall that it must see whole.

Made once for each machine and version, and kept; a run of the load family names it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import platformdirs

from constat.clock import utc_now
from load.delays import parse_delays
from load.gates import Gate, gates
from load.plan import Plan
from load.promises import Promise
from load.stage import TENANTS, stubbed

if TYPE_CHECKING:
    from load.samples import Measured

RATE: Final = 200.0
SECONDS: Final = 8.0
DELAYS: Final = "mixture:40,150,0.1"
STALL: Final = 1.0
_SERVES: Final = "constant:5"
# In the middle of the run; what plants and signs in comes before.
_STALLS_AFTER: Final = round(RATE * SECONDS / 2)
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was measured of a known truth; seconds, and requests a second."""

    made: str
    machine: str
    rate: float
    p95_true: float
    p95_measured: float
    stall: float
    p99_predicted: float
    p99_measured: float
    broken: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """Whether the quantile is right to 3 % or 3 ms, the stall was seen whole, and no gate was broken."""
        is_near = abs(self.p95_measured - self.p95_true) <= max(0.003, 0.03 * self.p95_true)
        return is_near and self.p99_measured >= self.p99_predicted > STALL / 2 and not self.broken

    def gate(self) -> Gate:
        """As one more property of the instrument."""
        seen = (
            f"{self.made[:10]}: a p95 of {self.p95_true * 1000:.0f} ms as {self.p95_measured * 1000:.1f} ms, "
            f"a stall of {self.stall:.2f} s as a p99 of {self.p99_measured:.2f} s, at least {self.p99_predicted:.2f} s"
        )
        broken = f"; broken: {', '.join(self.broken)}" if self.broken else ""
        return Gate(
            name="calibration",
            required="a known p95 to 3 % or 3 ms, and a stall seen whole, on this machine with this version",
            seen=seen + broken,
            holds=self.is_right,
        )


class Silence(NamedTuple):
    """No answer came: until when (seconds from the start of the run), for how long."""

    end: float
    seconds: float


def calibration() -> Calibration:
    """The one of this machine and version, made now if there is none that is right."""
    file = Path(platformdirs.user_cache_dir("constat")) / f"calibration-{_machine()}-{_version()}.json"
    if (kept := _kept(file)) is not None:
        return kept
    made = calibrate()
    if made.is_right:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(made), indent=1), "utf-8")
    return made


def _kept(file: Path) -> Calibration | None:
    """What an earlier run left; a file that was cut short is none."""
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError, KeyError):
        fields = json.loads(file.read_text("utf-8"))
        return Calibration(**fields | {"broken": tuple(fields["broken"])})
    return None


def calibrate() -> Calibration:
    """Measure both; about 25 s."""
    known = _run(DELAYS)
    # Without TLS: two hundred handshakes at once would keep the stub busy when it goes on.
    stalled = _run(_SERVES, "--stall-after", str(_STALLS_AFTER), "--stall-seconds", str(STALL), tls=False)
    silence = longest_silence(stalled)
    return Calibration(
        made=utc_now(),
        machine=platform.node(),
        rate=RATE,
        p95_true=parse_delays(DELAYS).quantile(0.95),
        p95_measured=quantile([sample.latency for sample in known.window(lambda _: True)], 0.95),
        stall=silence.seconds,
        p99_predicted=quantile(predicted(stalled, silence), 0.99),
        p99_measured=quantile([sample.latency for sample in stalled.window(lambda _: True)], 0.99),
        broken=tuple(sorted({gate.name for run in (known, stalled) for gate in gates(run) if not gate.holds})),
    )


def _run(delays: str, *more: str, tls: bool = True) -> Measured:
    with tempfile.TemporaryDirectory(prefix="constat-calibration-") as name, stubbed(Path(name), delays, *more, tls=tls) as server:
        return server.run(_PLAN)


def longest_silence(run: Measured) -> Silence:
    """The longest time without an answer."""
    done = sorted(sample.row.done for sample in run.window(lambda _: True))
    return max((Silence(end, end - begin) for begin, end in pairwise(done)), key=lambda one: one.seconds)


def predicted(run: Measured, silence: Silence) -> list[float]:
    """The least that each request took in an open model: whoever was due during the silence waits for the rest of it."""
    rests = (silence.end - sample.arrival.offset for sample in run.window(lambda _: True))
    return [rest if 0 < rest < silence.seconds else 0.0 for rest in rests]


def quantile(values: list[float], share: float) -> float:
    """The value that this share did not exceed."""
    return sorted(values)[int(len(values) * share)]


def _machine() -> str:
    """What a calibration is of: this host, its processors, its kernel."""
    told = "|".join((platform.node(), platform.machine(), str(os.cpu_count()), platform.release()))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


@cache
def _version() -> str:
    """Of everything that measures: our own sources, and the interpreter."""
    sources = b"".join(file.read_bytes() for file in sorted(_HERE.glob("*.py")))
    return hashlib.sha256(sources + platform.python_version().encode()).hexdigest()[:12]


_PLAN: Final = Plan(
    seed=1,
    users=round(RATE),
    think=1.0,
    rate=RATE,
    warmup=1.0,
    duration=SECONDS,
    timeout=2.0,
    promises=(Promise(name="p95", seconds=0.2, allowed=0.05),),
    tenants=TENANTS,
    mix={"list": 0.5, "read": 0.5},
)
