"""A stack that one command brings up: idempotent, described, and what it says is so."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import jsonschema
import psycopg

from cli.schemas import schemas
from constat import wait
from constat.outcome import Outcome
from constat.redact import SHORTEST
from tests.integration.harness import NAME

if TYPE_CHECKING:
    from tests.integration.harness import Constat, Ended


def test_up_ends_well(up: Ended) -> None:
    """`constat up` exits 0 and says where the stack is."""
    assert up.code == 0, up.err


def test_a_second_up_changes_nothing_and_is_quick(constat: Constat, up: Ended) -> None:
    """`constat up` on a stack that is up ends well in a small part of the time that the first took."""
    before = constat("status", "--name", NAME, "--json")
    start = time.monotonic()
    again = constat("up", "--name", NAME)
    seconds = time.monotonic() - start
    first = float(up.err.rsplit("is up in ", 1)[1].split(" s;")[0])

    assert again.code == 0, again.err
    assert seconds < first / 2
    assert _restarts(constat("status", "--name", NAME, "--json")) == _restarts(before)


def test_status_shows_every_component_running_with_its_version(constat: Constat, up: Ended) -> None:
    """Every component is running or configured, and those that have a version say it."""
    ended = constat("status", "--name", NAME, "--json")
    document = json.loads(ended.out)

    assert ended.code == 0, ended.out
    assert set(document) == {"target", "provider", "disposable", "components", "run_dir"}
    assert {"state", "endpoint", "version"} <= set(document["components"]["postgres"])
    assert document["components"]["postgres"]["version"].startswith("15")


def test_credentials_follow_their_schema_and_work(constat: Constat, up: Ended) -> None:
    """`constat credentials --json` is valid, and one can log in with it by the application's own path."""
    document = constat.credentials()

    jsonschema.validate({key: value for key, value in document.items() if key != "backups"}, schemas()["credentials.json"])
    with psycopg.connect(document["postgres"]["pooler_dsn"], prepare_threshold=None) as connection:
        assert connection.execute("SELECT session_user").fetchone() == ("app",)


def test_two_commands_at_once_are_refused(constat: Constat, up: Ended) -> None:
    """A stack that a command is using is not touched by another, which says who uses it."""
    first = constat.start("verify", "--name", NAME, "--family", "contract")
    try:
        lock, words = constat.home / f".{NAME}.lock", f"process {first.pid} "
        wait.until(lambda: words in lock.read_text("utf-8"), what="the first command holds the stack", within=30, holds=bool)
        second = constat("down", "--name", NAME)
    finally:
        first.wait(timeout=300)

    assert second.code == 4
    assert f"in use by process {first.pid}" in second.err


def test_the_whole_verification_is_green(verified: Ended) -> None:
    """Every control of every family is proven on the clean stack.

    A machine that others share cannot promise a verdict on latency: then the load's own gates
    say so (INCONCLUSIVE), which is the honest end, and the exit code says that too.
    """
    unsettled = verified.unsettled
    too_noisy = {"LOA-01": Outcome.INCONCLUSIVE}

    assert unsettled in ({}, too_noisy), verified.out
    assert verified.code == (6 if unsettled else 0)


def test_the_report_is_made_again_the_same(constat: Constat, verified: Ended) -> None:
    """`constat report` makes the same bytes from the run's own files."""
    reports = [verified.run_dir / name for name in ("report.html", "summary.json", "junit.xml")]
    before = [report.read_bytes() for report in reports]
    constat("report", verified.run_dir.name)

    assert [report.read_bytes() for report in reports] == before


def test_no_secret_of_the_stack_is_in_the_run(constat: Constat, verified: Ended) -> None:
    """Nothing that a run writes holds a secret of the stack: findings, evidence, reports, logs."""
    secrets = set(json.loads((constat.home / NAME / "secrets.json").read_text("utf-8")).values())
    texts = {path: path.read_text("utf-8", errors="replace") for path in verified.run_dir.rglob("*") if path.is_file()}

    assert [path for path, text in texts.items() if any(len(secret) >= SHORTEST and secret in text for secret in secrets)] == []
    assert not any(secret in verified.out + verified.err for secret in secrets if len(secret) >= SHORTEST)


def _restarts(status: Ended) -> dict[str, int]:
    return {name: component["restarts"] for name, component in json.loads(status.out)["components"].items()}
