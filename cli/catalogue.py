"""The controls of all suites, as pytest collects them."""

from __future__ import annotations

import contextlib
import functools
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.options import ROOT
from cli.session import SUITES
from constat.control import FAMILIES, Control, control_of
from constat.errors import UserError
from fixtures.selection import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORDER = list(FAMILIES.values())


class _Collected:
    """A pytest plugin that keeps the controls."""

    def __init__(self) -> None:
        """Begin with none."""
        self.controls: dict[str, Control] = {}
        self.files: dict[str, str] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what was collected."""
        self.controls = session.config.stash.get(CONTROLS, {})
        rules = ((control_of(getattr(item, "function", None)), item) for item in session.items)
        self.files = {rule.id: str(item.path) for rule, item in rules if rule is not None}


@functools.cache
def files() -> dict[str, str]:
    """Control id = the file that it is in, so that a few can be run without loading all; UserError when they cannot be collected."""
    return _collected(()).files


def all_controls(paths: Sequence[str] = ()) -> list[Control]:
    """Every control by family and id, of all suites or of these files and folders; UserError when they cannot be collected."""
    return sorted(_collected(paths).controls.values(), key=lambda rule: (_ORDER.index(rule.family), rule.id))


def _collected(paths: Sequence[str]) -> _Collected:
    keeper, said = _Collected(), io.StringIO()
    where = list(paths) or [str(ROOT / suite) for suite in SUITES]
    if absent := [path for path in where if not Path(path.partition("::")[0]).exists()]:
        msg = f"no suite at {absent[0]!r}; expected a file or folder below {', '.join(SUITES)}"
        raise UserError(msg)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(
            ["--collect-only", "--assert=plain", "-q", "--no-header", "-p", "no:cacheprovider", "--rootdir", str(ROOT), *where],
            plugins=[keeper],
        )
    if code == pytest.ExitCode.NO_TESTS_COLLECTED or "ERROR: not found:" in said.getvalue():
        msg = f"there is no control in {', '.join(map(repr, where))}; `constat controls` lists them"
        raise UserError(msg)
    if code != pytest.ExitCode.OK:
        msg = f"the suites cannot be collected; mend the file that is named last:\n{said.getvalue()[-2000:]}"
        raise UserError(msg)
    return keeper
