"""How the tools that people use instead measure a load: k6, wrk and Locust as it comes, each against the same stub."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SHARES: Final = (0.95, 0.99)
_PATH: Final = "/api/properties"
_K6: Final = """
import http from 'k6/http';
export const options = {{
  summaryTrendStats: ['p(95)', 'p(99)'],
  scenarios: {{ open: {{ executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', duration: '{seconds}s',
    preAllocatedVUs: {users}, maxVUs: {most} }} }},
}};
export default function () {{ http.get('{url}'); }}
"""
_WRK: Final = """
done = function(summary, latency, requests)
  io.write(string.format('measured %f %f\\n', latency:percentile(95) / 1e6, latency:percentile(99) / 1e6))
end
"""
_LOCUST: Final = """
from locust import FastHttpUser, constant_throughput, task
class Reader(FastHttpUser):
    wait_time = constant_throughput(1)
    @task
    def read(self):
        self.client.get({path!r})
"""

Quantiles = tuple[float, float]


def k6(url: str, rate: float, seconds: float, users: int) -> Quantiles:
    """An open model with as many virtual users as it asks for; p95 and p99 in seconds."""
    script = _K6.format(rate=round(rate), seconds=round(seconds), url=url + _PATH, users=users, most=10 * users)
    with tempfile.TemporaryDirectory() as name:
        source, summary = Path(name) / "load.js", Path(name) / "summary.json"
        source.write_text(script, "utf-8")
        _run([str(Path(sys.executable).parent / "k6"), "run", "--quiet", "--summary-export", str(summary), str(source)])
        trend = json.loads(summary.read_text("utf-8"))["metrics"]["http_req_duration"]
    return trend["p(95)"] / 1000, trend["p(99)"] / 1000


def wrk(url: str, rate: float, seconds: float, users: int) -> Quantiles:
    """A closed model: so many connections, each as fast as it can; it knows no rate."""
    del rate
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "told.lua"
        script.write_text(_WRK, "utf-8")
        said = _run(["wrk", "-t1", f"-c{users}", f"-d{round(seconds)}s", "-s", str(script), url + _PATH])
    found = re.search(r"measured ([\d.]+) ([\d.]+)", said)
    return (float(found[1]), float(found[2])) if found else (math.nan, math.nan)


def locust(url: str, rate: float, seconds: float, users: int) -> Quantiles:
    """Locust as it comes: one user for each request a second, who waits for an answer before the next."""
    del users
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "locustfile.py"
        source.write_text(_LOCUST.format(path=_PATH), "utf-8")
        asked = ("--headless", "-u", str(round(rate)), "-r", str(round(rate)), "-t", f"{round(seconds)}s", "--csv", f"{name}/out")
        _run([sys.executable, "-m", "locust", "-f", str(source), "--host", url, "--only-summary", *asked])
        rows = list(csv.DictReader((Path(name) / "out_stats.csv").read_text("utf-8").splitlines()))
    total = next(row for row in rows if row["Name"] == "Aggregated")
    return float(total["95%"]) / 1000, float(total["99%"]) / 1000


PEERS: Final[dict[str, Callable[[str, float, float, int], Quantiles]]] = {"k6": k6, "wrk": wrk, "Locust": locust}


def _run(command: list[str]) -> str:
    """To its end; exit codes of failed thresholds are not looked at, what was measured is."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
