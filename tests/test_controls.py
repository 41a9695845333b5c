"""Every control is well-formed, can fail, and is listed as it is."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path
from typing import Final

from cli.catalogue import all_controls
from constat.control import FAMILIES, Control
from mutants.catalogue import by_id

ROOT: Final = Path(__file__).resolve().parent.parent


@functools.cache
def controls() -> dict[str, Control]:
    """Every control of the suites, by id."""
    return {rule.id: rule for rule in all_controls()}


def test_every_control_is_well_formed() -> None:
    """Id, claim, references and remediation of every control are as they must be."""
    assert [problem for rule in controls().values() for problem in rule.problems()] == []


def test_every_control_can_fail() -> None:
    """Every control is named by at least one mutant that it must notice."""
    killed = {control for mutant in by_id().values() if not mutant.is_harmless for control in mutant.controls}

    assert sorted(set(controls()) - killed) == []


def test_every_mutant_names_controls_that_exist() -> None:
    """No mutant names a control that there is not, and each names at least one."""
    wrong = [mutant.id for mutant in by_id().values() if not mutant.controls or set(mutant.controls) - set(controls())]

    assert wrong == []


def test_every_mutant_is_of_its_controls_family() -> None:
    """The family in a mutant's id is that of the first control that must notice it."""
    wrong = [mutant.id for mutant in by_id().values() if mutant.family != controls()[mutant.controls[0]].family]

    assert wrong == []


def test_the_families_of_the_specification_are_there() -> None:
    """Every family that a run promises has at least one control."""
    promised = set(FAMILIES.values()) - {"observability"}

    assert promised <= {rule.family for rule in controls().values()}


def test_the_suites_cannot_run_without_a_stack() -> None:
    """`pytest suites` without a stack is wrong usage, not an empty green."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "suites"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 4
    assert "no stack" in done.stdout + done.stderr
