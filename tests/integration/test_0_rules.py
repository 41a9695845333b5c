"""The alert rules do what they say, and both configurations are understood by the programs that read them.

These need Prometheus' and Alertmanager's own programs, which come with the platform's packages, but no stack.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from constat.target import load_target
from provision.platform.alertmanager import CONFIGURATION
from provision.platform.prometheus import RULES, objectives
from provision.platform.rendering import render
from tests.integration.harness import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# In the packages `prometheus` and `prometheus-alertmanager`, beside the servers.
PROMTOOL: Final = "/usr/bin/promtool"
AMTOOL: Final = "/usr/bin/amtool"


def test_the_rules_are_well_formed() -> None:
    """Prometheus accepts the rules."""
    run(PROMTOOL, "check", "rules", str(RULES))


def test_every_rule_fires_when_it_must_and_only_then() -> None:
    """The rules' own tests hold: each failure raises its own alerts and no others."""
    run(PROMTOOL, "test", "rules", str(RULES.with_name("rules_test.yml")))


def test_a_rule_that_never_fires_is_noticed(tmp_path: Path) -> None:
    """With one threshold moved out of reach the rules' tests fail, so that their success means something."""
    rules = RULES.read_text("utf-8")
    weakened = rules.replace("pg_synchronous_standbys < 1", "pg_synchronous_standbys < 0")
    assert weakened != rules
    (tmp_path / RULES.name).write_text(weakened, "utf-8")
    (tmp_path / "rules_test.yml").write_bytes(RULES.with_name("rules_test.yml").read_bytes())

    with pytest.raises(AssertionError, match="SynchronousStandbyMissing"):
        run(PROMTOOL, "test", "rules", str(tmp_path / "rules_test.yml"))


@pytest.mark.parametrize("target", sorted((ROOT / "targets").glob("*.toml")), ids=lambda path: path.stem)
def test_the_objectives_of_every_target_are_understood(target: Path, tmp_path: Path) -> None:
    """What each target promises becomes series that Prometheus accepts."""
    file = tmp_path / "objectives.yml"
    file.write_text(render("prometheus/objectives.yml.j2", objectives=objectives(load_target(target))), "utf-8")

    run(PROMTOOL, "check", "rules", str(file))


def test_alertmanager_accepts_its_configuration(tmp_path: Path) -> None:
    """Alertmanager's own program reads the rendered file."""
    file = tmp_path / CONFIGURATION
    file.write_text(render(f"alertmanager/{CONFIGURATION}.j2"), "utf-8")

    run(AMTOOL, "check-config", str(file))


def run(*command: str) -> None:
    """Run a program that must succeed; one that is missing is a failure with its remedy, not a skip."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        pytest.fail(f"{command[0]} is missing; `python -m cli.prepare` installs it with the platform's packages")
    assert done.returncode == 0, done.stdout + done.stderr
