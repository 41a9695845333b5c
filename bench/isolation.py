"""How long the database's isolation takes on 10 to 1,000 tables of tenants: `python -m bench.isolation [TABLES]...`.

A scratch cluster with the reference schema and as many more tables, each with its policy, a
reference and a unique key; every control but the pool's.  Prints wall seconds, the seconds
of processor time of this process and of the server, and draws them.
"""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil
import psycopg

from bench import controls, scratch
from bench.detection import ELSEWHERE
from constat.outcome import Outcome, worst

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.stack import Stack

SIZES: Final = (10, 100, 300, 1000)
_MINE: Final = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"
_TABLE: Final = """
CREATE TABLE bench_{n} (
    organization_id uuid NOT NULL DEFAULT nullif(current_setting('app.organization_id', true), '')::uuid
        REFERENCES organizations ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(), parent_id uuid, name text NOT NULL, state text NOT NULL CHECK (state IN ('a', 'b')),
    amount numeric(12, 2) NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, id), UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, parent_id) REFERENCES {parent} (organization_id, id) ON DELETE CASCADE
);
ALTER TABLE bench_{n} ENABLE ROW LEVEL SECURITY;
ALTER TABLE bench_{n} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON bench_{n} USING ({mine}) WITH CHECK ({mine});
GRANT SELECT, INSERT, UPDATE, DELETE ON bench_{n} TO application;
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One size: how many tables, wall seconds, processor seconds here and in the server, and how the controls ended."""

    tables: int
    wall: float
    here: float
    server: float
    outcome: Outcome
    slowest: tuple[tuple[str, float], ...]


def main(sizes: Iterable[int]) -> None:
    """Grow the database from size to size, and measure at each."""
    with scratch.cluster() as stack:
        made = 0
        for size in sizes:
            with scratch.connect(stack) as connection:
                grow(connection, made, size)
            made = size
            measured = measure(stack, size)
            bar = "#" * max(1, round(measured.here + measured.server))
            print(
                f"{size:5} tables  wall {measured.wall:6.1f} s  processor {measured.here + measured.server:6.1f} s "
                f"(suite {measured.here:5.1f}, server {measured.server:5.1f})  {measured.outcome}  {bar}",
                flush=True,
            )
            print("      " + ", ".join(f"{control} {seconds:.1f}" for control, seconds in measured.slowest), flush=True)


def grow(connection: psycopg.Connection[tuple[Any, ...]], first: int, last: int) -> None:
    """Add tables up to that number; each tenth refers to none of them, the others to the one before."""
    for number in range(first, last):
        parent = "properties" if number % 10 == 0 else f"bench_{number - 1}"
        connection.execute(_TABLE.format(n=number, parent=parent, mine=_MINE).encode())


def measure(stack: Stack, size: int) -> Measured:
    """Run everything once; the server's processor time is that of all its processes."""
    start, here, server = time.monotonic(), time.process_time(), _server_seconds(stack)
    said, opening = controls.run(stack, scratch.target(), only=frozenset(controls.controls()) - ELSEWHERE)
    return Measured(
        tables=size,
        wall=time.monotonic() - start,
        here=time.process_time() - here,
        server=_server_seconds(stack) - server,
        outcome=worst(one.outcome for one in said),
        slowest=(("opening", opening), *sorted(((one.control, one.seconds) for one in said), key=lambda pair: -pair[1])[:8]),
    )


def _server_seconds(stack: Stack) -> float:
    """Processor seconds of the scratch cluster and of no other, those of sessions that have ended included."""
    assert stack.postgres is not None
    port = str(psycopg.conninfo.conninfo_to_dict(stack.postgres.admin_dsn)["port"])
    server = next(process for process in psutil.process_iter(["name", "cmdline"]) if _is_on(process, port))
    # A session that ends in between is in neither part of the sum: then it is added up again.
    while True:
        sessions = set(server.children())
        total = _seconds_of(server, sessions)
        if set(server.children()) == sessions:
            return total


def _is_on(process: psutil.Process, port: str) -> bool:
    """Whether it is the server that was started for that port; its sessions have other titles."""
    words = process.info["cmdline"] or []
    return process.info["name"] == "postgres" and "-p" in words and words[words.index("-p") + 1] == port


def _seconds_of(server: psutil.Process, sessions: set[psutil.Process]) -> float:
    own = Path(f"/proc/{server.pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    total = sum(int(own[place]) for place in (11, 12, 13, 14)) / 100
    for session in sessions:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = session.cpu_times()
            total += times.user + times.system
    return total


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or SIZES)
