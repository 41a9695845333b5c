"""The guides' examples work as they are printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from constat.control import Control, control_of
from constat.mutant import Mutant

DOCS = Path(__file__).resolve().parents[2] / "docs"


def example(page: str) -> dict[str, Any]:
    """What the page's first example defines."""
    found = re.search(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert found is not None
    namespace: dict[str, Any] = {}
    exec(compile(found[1], page, "exec"), namespace)  # noqa: S102 - our own page
    return namespace


@pytest.fixture
def rule() -> Control:
    """The example's control."""
    (found,) = [rule for value in example("adding-a-control.md").values() if (rule := control_of(value))]
    return found


def test_the_example_of_a_control_is_well_formed(rule: Control) -> None:
    """Pasted into a suite it is collected."""
    assert rule.problems() == []


def test_the_example_of_a_mutant_names_that_control(rule: Control) -> None:
    """Pasted into `mutants/` it is a mutant of the other page's control."""
    (mutant,) = example("adding-a-mutant.md")["MUTANTS"]

    assert isinstance(mutant, Mutant)
    assert mutant.controls == (rule.id,)
    assert mutant.family == rule.family
