"""Releases with a defect: built from what is deployed, and each edit is where the mutant says."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from cli.options import ROOT
from constat.errors import Unobservable
from mutants.catalogue import by_id
from mutants.tenancy.gateway.release import SERVICES, Change, build

if TYPE_CHECKING:
    from pathlib import Path

    from constat.mutant import Mutant


def edits(mutant: Mutant) -> tuple[Change, ...]:
    """The edits of a release; none for a mutant of another kind."""
    held = [cell.cell_contents for cell in getattr(mutant.plant, "__closure__", None) or ()]
    return next((one for one in held if isinstance(one, tuple) and one and all(isinstance(part, Change) for part in one)), ())


RELEASES = {name: found for name, mutant in by_id().items() if (found := edits(mutant))}


def test_there_are_releases() -> None:
    """Else the next test would say nothing."""
    assert len(RELEASES) > 15


@pytest.mark.parametrize("name", sorted(RELEASES))
def test_every_release_can_be_built(name: str, tmp_path: Path) -> None:
    """Each edit's text stands in the services once, and what comes out of it is Python."""
    build(ROOT, tmp_path / "release", RELEASES[name])

    for edit in RELEASES[name]:
        text = (tmp_path / "release" / SERVICES / edit.file).read_text("utf-8")
        assert edit.after in text
        ast.parse(text)


def test_an_edit_that_fits_nowhere_is_said(tmp_path: Path) -> None:
    """Code that has changed since is no release."""
    with pytest.raises(Unobservable, match="bring the mutant up to date"):
        build(ROOT, tmp_path / "release", [Change(file="search.py", before="no such line", after="")])
