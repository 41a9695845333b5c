"""A negative claim that proves nothing is never green: the harness is deceived on purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from constat.outcome import Outcome, worst
from tests.integration.harness import NAME, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.harness import Constat, Ended

DECEIVED = "deceived"
# What a login may do and what the catalogs say is the same in every context.
WITHOUT_A_CONTEXT = frozenset({"TEN-PG-08", "TEN-PG-09", "TEN-PG-14", "TEN-PG-15"})


def _privileged(stack: dict[str, Any]) -> None:
    """The attacker logs in as the superuser."""
    stack["postgres"]["pooler_dsn"] = stack["postgres"]["admin_dsn"]


def _another_database(stack: dict[str, Any]) -> None:
    """The oracle looks into another database, where there is nothing."""
    stack["postgres"]["admin_dsn"] = stack["postgres"]["admin_dsn"].replace("/viridial?", "/postgres?")


def _cannot_seed(stack: dict[str, Any]) -> None:
    """The oracle may read but not write, so no canary is planted."""
    stack["postgres"]["admin_dsn"] = stack["postgres"]["backup_dsn"]


def _wrong_port(stack: dict[str, Any]) -> None:
    """The application's path leads to a port where nobody listens."""
    port = next(str(listener["port"]) for listener in stack["listeners"] if listener["name"] == "pgbouncer")
    stack["postgres"]["pooler_dsn"] = stack["postgres"]["pooler_dsn"].replace(f":{port}/", ":1/")


def _wrong_service(stack: dict[str, Any]) -> None:
    """The application's path leads to another server, which speaks another protocol."""
    ports = {listener["name"]: str(listener["port"]) for listener in stack["listeners"]}
    stack["postgres"]["pooler_dsn"] = stack["postgres"]["pooler_dsn"].replace(f":{ports['pgbouncer']}/", f":{ports['redis']}/")


def _wrong_password(stack: dict[str, Any]) -> None:
    """The attacker's password is wrong, so everything is refused, the permitted twin too."""
    head, _, tail = stack["postgres"]["pooler_dsn"].rpartition("@")
    stack["postgres"]["pooler_dsn"] = f"{head}x@{tail}"


def _stranger(stack: dict[str, Any]) -> None:
    """The context is set to an organization that does not exist, so nothing is there to be read by the twin."""
    stack["postgres"]["context_setting"] = "app.nothing"


@pytest.mark.parametrize(
    "deceive",
    [_privileged, _another_database, _cannot_seed, _wrong_port, _wrong_service, _wrong_password, _stranger],
    ids=lambda function: function.__name__.strip("_"),
)
def test_isolation_is_never_proven_by_a_blind_harness(
    constat: Constat, up: Ended, tmp_path: Path, deceive: Callable[[dict[str, Any]], None]
) -> None:
    """With the harness deceived, no control of the database's isolation passes, and the run does not exit 0."""
    stack = json.loads((constat.home / NAME / "stack.json").read_text("utf-8"))
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(stack), "utf-8")
    target = (ROOT / "targets" / "embedded.toml").read_text("utf-8")
    for old, new in (
        ('"embedded"\nenv', '"existing"\nenv'),
        ('impact = "disrupt"', 'impact = "probe"'),
        ("disposable = true", "disposable = false"),
    ):
        assert old in target
        target = target.replace(old, new)
    (tmp_path / "target.toml").write_text(target + '\n[existing]\nstack = "stack.json"\n', "utf-8")
    try:
        attached = constat("up", "--name", DECEIVED, "--target", str(tmp_path / "target.toml"))
        assert attached.code == 0, attached.err
        deceive(stack)
        file.write_text(json.dumps(stack), "utf-8")
        ended = constat("verify", "--name", DECEIVED, "suites/tenancy/postgres")
    finally:
        constat("down", "--name", DECEIVED)

    outcomes = {
        control: worst(f.outcome for f in ended.findings if f.control == control) for control in {f.control for f in ended.findings}
    }
    passed = {control for control, outcome in outcomes.items() if outcome is Outcome.PASS}
    assert passed <= (WITHOUT_A_CONTEXT if deceive is _stranger else frozenset())
    # Policies that ask for another setting than the one the target names are no guard in its eyes: that is red, and by TEN-PG-14 alone.
    red = {f.control for f in ended.findings if f.outcome is Outcome.FAIL}
    assert red == ({"TEN-PG-14"} if deceive is _stranger else set()), ended.out
    assert ended.code == (1 if deceive is _stranger else 6), ended.out
