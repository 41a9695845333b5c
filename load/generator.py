"""Run the generator as a child process, with its control stream beside it, and read what it measured."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from constat import deadlines
from constat.clock import monotonic
from constat.errors import Unobservable
from load.certificate import make_certificate
from load.order import ControlStream, Order
from load.plan import schedule
from load.samples import Left, measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from constat.stack import Stack
    from load.certificate import LoopbackCertificate
    from load.order import Estate
    from load.plan import Plan
    from load.samples import Measured

ROOT: Final = Path(__file__).resolve().parent.parent
# The kernel ends the child when its parent is gone, however that went.
_DIES_WITH_US: Final = ("/usr/bin/setpriv", "--pdeathsig=KILL", "--")
_LOCUST: Final = ("-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), "--headless", "-u", "1", "-r", "1", "--only-summary")
_LAST_LINES: Final = 15


@dataclass(frozen=True, kw_only=True)
class Stub:
    """A stub that listens."""

    url: str
    pid: int


def run_load(plan: Plan, *, stack: Stack, estates: Mapping[str, Estate]) -> Measured:
    """Carry a plan out through the stack's gateway; Unobservable when the generator ended early."""
    with tempfile.TemporaryDirectory(prefix="constat-load-") as name:
        directory = Path(name)
        certificate = make_certificate(directory)
        with stub("--control-ms", f"{plan.control_delay * 1000:g}", certificate=certificate) as control:
            order = Order(plan=plan, control=ControlStream(url=control.url, ca=str(certificate.cert)), estates=estates)
            return measured(plan, schedule(plan), _fire(order, stack, directory))


@contextlib.contextmanager
def stub(*arguments: str, certificate: LoopbackCertificate | None = None) -> Iterator[Stub]:
    """Run the bundled stub; Unobservable when it does not listen."""
    tls = ("--cert", str(certificate.cert), "--key", str(certificate.key)) if certificate else ()
    command = [*_DIES_WITH_US, sys.executable, "-m", "load.stub", *tls, *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port:
                msg = "the stub of the control stream does not listen; see above for its last words"
                raise Unobservable(msg)
            yield Stub(url=f"{'https' if certificate else 'http'}://127.0.0.1:{port}", pid=process.pid)
        finally:
            process.kill()


def _fire(order: Order, stack: Stack, directory: Path) -> Left:
    """Run Locust to its end; what it left, and what was seen of it from outside."""
    machine, started = psutil.cpu_times()._asdict(), monotonic()
    document = _locust(order, stack, directory)
    return Left(document=document, started=started, ended=monotonic(), stolen=_stolen(machine, psutil.cpu_times()._asdict()))


def _stolen(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """The share of the machine's time that another machine on the same hardware got instead."""
    spent = {name: after[name] - before[name] for name in after}
    whole = sum(spent.values())
    return spent["steal"] / whole if whole > 0 else 0.0


def _locust(order: Order, stack: Stack, directory: Path) -> str:
    written, result, log = directory / "order.json", directory / "result.json", directory / "locust.log"
    written.write_text(order.to_json(), "utf-8")
    assert stack.gateway is not None
    told = ("--host", stack.gateway.url, "--order", str(written), "--stack", stack.run_dir, "--result", str(result))
    command = [*_DIES_WITH_US, sys.executable, *_LOCUST, *told]
    allowed = deadlines.GENERATOR_READY + order.plan.length + order.plan.timeout + deadlines.GENERATOR_DONE
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=allowed, check=False
            )
        except subprocess.TimeoutExpired:
            msg = f"the generator did not end within {allowed:g} s and was killed"
            raise Unobservable(msg) from None
    if done.returncode == 0 and result.exists():
        return result.read_text("utf-8")
    said = result.read_text("utf-8") if result.exists() else "\n".join(log.read_text("utf-8", "replace").splitlines()[-_LAST_LINES:])
    msg = f"the generator ended early (exit code {done.returncode}); its last words: {said}"
    raise Unobservable(msg)


def _environment() -> dict[str, str]:
    """Ours, without anybody's settings for Locust."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
