"""Run the backups by the clock: a full one every day, a differential one every hour, never two at once."""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import subprocess
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

PROGRAM = "/usr/bin/pgbackrest"
KINDS = {"full": CronTrigger(hour=1, minute=0, timezone="UTC"), "diff": CronTrigger(minute=30, timezone="UTC")}
PERIODS = {"full": datetime.timedelta(days=1), "diff": datetime.timedelta(hours=1)}
# Each of these is at least as good as the kind that is due.
COUNTS_AS = {"full": {"full"}, "diff": {"full", "diff"}}
HEARTBEAT = datetime.timedelta(seconds=5)
LOOK_AGAIN = datetime.timedelta(seconds=5)
TRY_AGAIN = datetime.timedelta(minutes=1)
LONGEST = datetime.timedelta(hours=12)
LINES = 8


@dataclass
class Record:
    """What is known of one kind of backup; times are UTC in ISO 8601."""

    last_success: str | None = None
    last_failure: str | None = None
    last_seconds: float | None = None
    next_run: str | None = None


class Backups:
    """The tool, the schedule, and the files that say how it goes."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._tool = (PROGRAM, f"--config={arguments.config}", f"--stanza={arguments.stanza}")
        self._state, self._metrics = Path(arguments.state), Path(arguments.metrics)
        self._records = {kind: Record() for kind in KINDS}
        self._publishing = threading.Lock()
        # One worker: what comes due while another runs waits for it. No run is dropped for being
        # late, and several that were missed become one.
        self._scheduler = BlockingScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(1), "heart": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def run(self) -> None:
        """Wait for the first full backup, then keep the schedule for ever."""
        self._publish()
        # Beside the one worker, so that it goes on while a backup runs.
        self._scheduler.add_job(self._publish, "interval", seconds=HEARTBEAT.total_seconds(), id="heart", executor="heart")
        self._scheduler.add_job(self._begin, "interval", seconds=LOOK_AGAIN.total_seconds(), id="begin", next_run_time=_now())
        say("started")
        self._scheduler.start()

    def _begin(self) -> None:
        """Take the schedule up where the repository says it is: what is overdue runs at once."""
        made = self._made()
        if "full" not in made:
            return
        self._scheduler.remove_job("begin")
        for kind, trigger in KINDS.items():
            latest = max(stop for other, stop in made.items() if other in COUNTS_AS[kind])
            self._records[kind].last_success = latest.isoformat()
            due = latest + PERIODS[kind]
            first = {"next_run_time": _now()} if due <= _now() else {}
            self._scheduler.add_job(self._back_up, trigger, args=[kind], id=kind, **first)
        say("scheduled", latest={kind: record.last_success for kind, record in self._records.items()})
        self._publish()

    def _back_up(self, kind: str) -> None:
        """Make one backup; a failed one is tried again before the next is due."""
        say("begins", kind=kind)
        start = time.monotonic()
        code, output = self._call("--log-level-console=info", f"--type={kind}", "backup")
        seconds = round(time.monotonic() - start, 3)
        if code:
            self._records[kind].last_failure = _now().isoformat()
            self._scheduler.add_job(
                self._back_up, "date", run_date=_now() + TRY_AGAIN, args=[kind], id=f"again-{kind}", replace_existing=True
            )
        else:
            self._succeed(kind, seconds)
        say("fails" if code else "ends", kind=kind, seconds=seconds, code=code, output=output.strip().splitlines()[-LINES:])
        self._publish()

    def _succeed(self, kind: str, seconds: float) -> None:
        self._records[kind].last_seconds = seconds
        for other in (other for other, good_enough in COUNTS_AS.items() if kind in good_enough):
            self._records[other].last_success = _now().isoformat()
            if self._scheduler.get_job(f"again-{other}"):
                self._scheduler.remove_job(f"again-{other}")

    def _made(self) -> dict[str, datetime.datetime]:
        """When the latest good backup of each kind ended; nothing while the repository does not answer."""
        code, output = self._call("--output=json", "info")
        if code:
            say("cannot look", code=code, output=output.strip().splitlines()[-LINES:])
            return {}
        (stanza,) = json.loads(output)
        good = sorted((backup["timestamp"]["stop"], backup["type"]) for backup in stanza["backup"] if not backup["error"])
        return {kind: datetime.datetime.fromtimestamp(stop, datetime.timezone.utc) for stop, kind in good}

    def _call(self, *words: str) -> tuple[int, str]:
        try:
            done = subprocess.run(
                [*self._tool, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=LONGEST.total_seconds(),
            )
        except subprocess.TimeoutExpired as problem:
            return 124, f"not done within {problem.timeout:.0f} s"
        return done.returncode, done.stdout

    def _publish(self) -> None:
        """Write the state for people and programs, and the metrics for the exporter."""
        with self._publishing:
            for kind, record in self._records.items():
                job = self._scheduler.get_job(kind)
                record.next_run = job.next_run_time.isoformat() if job and job.next_run_time else None
            state = {"written": _now().isoformat(), "kinds": {kind: asdict(record) for kind, record in self._records.items()}}
            replace(self._state, json.dumps(state, indent=1) + "\n")
            replace(self._metrics, metrics(self._records))


class Log(logging.Handler):
    """What the scheduling library has to say, as lines of the same log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it down, with the traceback where there is one."""
        say("remark", level=record.levelname.lower(), text=self.format(record))


def metrics(records: dict[str, Record]) -> str:
    """Return the records as Prometheus reads them; a time that is not known is left out."""
    lines = []
    for name, text in (("success", "good"), ("failure", "failed")):
        metric = f"backup_last_{name}_timestamp_seconds"
        lines += [f"# HELP {metric} When the latest {text} backup ended.", f"# TYPE {metric} gauge"]
        for kind, record in records.items():
            if moment := getattr(record, f"last_{name}"):
                lines.append(f'{metric}{{type="{kind}"}} {datetime.datetime.fromisoformat(moment).timestamp():.0f}')
    return "\n".join(lines) + "\n"


def replace(path: Path, text: str) -> None:
    """Replace a file at once: whoever reads it sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text)
    part.replace(path)


def say(event: str, **details: object) -> None:
    """Write a line of the log: one JSON object."""
    print(json.dumps({"at": _now().isoformat(), "event": event, "pid": os.getpid(), **details}), flush=True)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, text in (
        ("config", "pgBackRest's configuration"),
        ("stanza", "the stanza to back up"),
        ("state", "file to keep the schedule's state in"),
        ("metrics", "file to keep the metrics in; its name ends in .prom"),
    ):
        parser.add_argument(f"--{name}", required=True, help=text)
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, handlers=[Log()])
    Backups(_arguments()).run()
