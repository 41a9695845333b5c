"""Orders: an option that leaves something out is red wherever it is said, and so is another repository."""

from __future__ import annotations

from dataclasses import replace

import pytest

from constat.observe.orders import Orders
from constat.outcome import Outcome
from suites.backups.orders import judge

SCHEDULER = Orders(
    who="the scheduler",
    stanza="main",
    options={
        "config": "/a.conf",
        "repo1-path": "/pgbackrest",
        "repo1-cipher-type": "aes-256-cbc",
        "repo1-cipher-pass": "k",
        "start-fast": "y",
    },
)
SERVER = replace(SCHEDULER, who="the archive command of one", options={**SCHEDULER.options, "config": "/b.conf"})


def said(server: Orders) -> tuple[Outcome, str]:
    """How the server's orders ended."""
    return next((found.outcome, found.reason) for found in judge([SCHEDULER, server]) if found.subject == f"orders of {server.who}")


def test_orders_that_leave_nothing_out_are_good() -> None:
    """A server whose file is another and says the same."""
    assert {found.outcome for found in judge([SCHEDULER, SERVER])} == {Outcome.PASS}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("archive-push-queue-max", "1GiB"),
        ("exclude", "base/5/"),
        ("dry-run", "y"),
        ("online", "n"),
        ("checksum-page", "n"),
        ("repo1-storage-verify-tls", "n"),
        ("repo2-cipher-type", "none"),
        ("repo1-path", "/elsewhere"),
        ("repo1-cipher-pass", "another"),
    ],
)
def test_an_option_that_weakens_is_red(name: str, value: str) -> None:
    """And the key is never shown."""
    outcome, reason = said(replace(SERVER, options={**SERVER.options, name: value}))

    assert (outcome, name in reason, "another, " in reason) == (Outcome.FAIL, True, False)


@pytest.mark.parametrize(("name", "value"), [("checksum-page", "y"), ("dry-run", "n"), ("archive-async", "y"), ("process-max", "4")])
def test_an_option_that_weakens_nothing_is_good(name: str, value: str) -> None:
    """The same switches the other way, and what only says how fast."""
    assert said(replace(SERVER, options={**SERVER.options, name: value}))[0] is Outcome.PASS


def test_a_tool_that_may_not_run_is_red() -> None:
    """After `pgbackrest stop`, and without a file of its own."""
    assert said(replace(SERVER, forbidden=("/lock/main.stop",)))[0] is Outcome.FAIL
    assert said(replace(SERVER, options={}))[0] is Outcome.FAIL
