"""The generator, run as the child process that it is, against a stub whose truth is known."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest

from constat import wait
from constat.clock import monotonic
from constat.errors import Unobservable
from constat.outcome import Outcome
from load import calibration
from load.gates import gates
from load.generator import ROOT, run_load
from load.judging import judgements
from load.order import Estate
from load.stage import TENANTS, stubbed
from tests.load.runs import CALIBRATED
from tests.load.stubbed import p95, plan

if TYPE_CHECKING:
    from pathlib import Path

    from constat.judgement import Judgement
    from load.plan import Plan
    from load.samples import Measured
    from load.stage import Stubbed

# It fires by the wall clock, so it stands beside the servers' tests, not among those that compute.
pytestmark = pytest.mark.integration

# The machine of a test may be disturbed for a moment; the gates say when it was.
TRIES = 3


def vouched(server: Stubbed, planned: Plan) -> Measured:
    """A run whose instrument vouches for itself; the first of a few that does."""
    for _ in range(TRIES):
        run = server.run(planned)
        broken = [f"{gate.name}: {gate.seen}" for gate in gates(run) if not gate.holds]
        if not broken:
            return run
    pytest.fail(f"the generator could not vouch for itself {TRIES} times: {broken}")


def total(run: Measured) -> Judgement:
    """The judgement of the whole."""
    return judgements(run, calibration=CALIBRATED, gateway_url="https://127.0.0.1")[0]


def quantile(run: Measured, share: float) -> float:
    """The measured latency in seconds that this share of the requests did not exceed."""
    return calibration.quantile([sample.latency for sample in run.window(lambda _: True)], share)


def test_a_known_quantile_is_measured(tmp_path: Path) -> None:
    """Of one request in ten that takes 150 ms the p95 is 150 ms, to 3 % or 3 ms, and the limit is judged rightly on both sides."""
    with stubbed(tmp_path, "mixture:40,150,0.1") as server:
        run = vouched(server, plan(rate=200, seconds=6, limit=0.2))
        assert quantile(run, 0.95) == pytest.approx(0.150, abs=max(0.003, 0.03 * 0.150))
        assert total(run).outcome is Outcome.PASS

    stricter = dataclasses.replace(run, plan=dataclasses.replace(run.plan, promises=(p95(0.1),)))
    assert total(stricter).outcome is Outcome.FAIL


def test_a_stall_of_a_second_is_seen_whole(tmp_path: Path) -> None:
    """A server that stands still for a second makes p95 and p99 what an open model predicts: those who came meanwhile waited."""
    # Without TLS: two hundred handshakes at once would keep the stub busy when it goes on.
    with stubbed(tmp_path, "constant:5", tls=False) as server, ThreadPoolExecutor(1) as beside:
        stopped = beside.submit(stop_for_a_second, server)
        run = server.run(plan(rate=200, seconds=8))
        stall = stopped.result()

    silence = calibration.longest_silence(run)
    assert silence.seconds >= 0.95 * stall, "answers came from a server that stood still"

    # Whoever was to be sent during the silence waits for the rest of it; how fast the server catches up then is its own affair.
    predicted = calibration.predicted(run, silence)
    for share in (0.95, 0.99):
        assert quantile(run, share) >= calibration.quantile(predicted, share) > 0.5 * stall
    assert quantile(run, 0.5) < 0.5 * stall, "those who came before and after did not wait"


def stop_for_a_second(server: Stubbed) -> float:
    """Stop it once the run is under way; how long it really stood still."""
    wait.until(lambda: generator(server), what="the generator runs", within=20, holds=bool)
    child = generator(server)[0]
    port = int(server.gateway.url.rsplit(":", 1)[1])
    wait.until(
        lambda: [one for one in child.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED and one.raddr.port == port],
        what="it fires",
        within=20,
        every=0.05,
        retry=(psutil.AccessDenied,),
        holds=lambda found: len(found) > 1,
    )
    wait.pause(3.0)
    os.kill(server.pid, signal.SIGSTOP)
    start = monotonic()
    try:
        wait.pause(1.0)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    return monotonic() - start


def generator(server: Stubbed) -> list[psutil.Process]:
    """The child process, by the run directory that it was given."""
    return [child for child in psutil.Process().children() if "locust" in child.cmdline() and server.stack.run_dir in child.cmdline()]


def test_the_instrument_is_calibrated_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It measures a known quantile and a known stall rightly on this machine, keeps that, and does not do it again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = next((found for _ in range(TRIES) if (found := calibration.calibration()).is_right), None)

    assert made is not None, "the generator could not be calibrated on this machine"
    assert calibration.calibration() == made
    assert made.gate().holds


def test_an_overloaded_generator_says_so(tmp_path: Path) -> None:
    """More requests than the generator can send are INCONCLUSIVE with the gate named, never a verdict on the platform."""
    with stubbed(tmp_path, "constant:5") as server:
        run = server.run(plan(rate=15_000, seconds=1, timeout=1.0))

    assert total(run).outcome is Outcome.INCONCLUSIVE
    assert "send lag" in total(run).reason


def test_a_dropped_connection_is_not_tried_again(tmp_path: Path) -> None:
    """One answer in five that never comes is one failure in five: the generator hides none by asking twice."""
    with stubbed(tmp_path, "constant:5", "--drop-every", "5") as server:
        run = vouched(server, plan(rate=100, seconds=5))

    closed = [sample for sample in run.window(lambda _: True) if sample.row.result == "closed"]
    assert len(closed) / len(run.window(lambda _: True)) == pytest.approx(0.2, abs=0.02)
    assert total(run).outcome is Outcome.FAIL


def test_a_generator_that_cannot_begin_is_no_verdict(tmp_path: Path) -> None:
    """Where the generator cannot read its stack, nothing was observed, and its own last lines say why."""
    estates = {name: Estate(canary="c0ffee", planted=()) for name in TENANTS}
    with stubbed(tmp_path, "constant:0") as server, pytest.raises(Unobservable, match=r"stack\.json"):
        run_load(plan(rate=1, seconds=1), stack=dataclasses.replace(server.stack, run_dir="/nowhere"), estates=estates)


def test_nothing_that_it_created_stays(tmp_path: Path) -> None:
    """After a run the tenants own what they owned before."""
    with stubbed(tmp_path, "constant:0") as server:
        server.run(plan(rate=50, seconds=1))
        left = server.listing("t1")

    assert left == []


def test_locust_stays_out_of_this_process() -> None:
    """Importing the control imports neither Locust nor gevent, which would change the whole interpreter."""
    code = "import load.test_latency, sys; sys.exit(bool({'locust', 'gevent'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
