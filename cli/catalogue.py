"""The controls of all suites, as pytest collects them."""

from __future__ import annotations

import contextlib
import io

import pytest

from cli.options import ROOT
from cli.session import SUITES
from constat.control import FAMILIES, Control
from constat.errors import HarnessError
from fixtures.selection import CONTROLS

_ORDER = list(FAMILIES.values())


class _Collected:
    """A pytest plugin that keeps the controls."""

    def __init__(self) -> None:
        """Begin with none."""
        self.controls: dict[str, Control] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what was collected."""
        self.controls = session.config.stash.get(CONTROLS, {})


def all_controls() -> list[Control]:
    """Every control by family and id; HarnessError when the suites cannot be collected."""
    keeper, said = _Collected(), io.StringIO()
    paths = [str(ROOT / suite) for suite in SUITES]
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(
            ["--collect-only", "--assert=plain", "-q", "--no-header", "-p", "no:cacheprovider", "--rootdir", str(ROOT), *paths],
            plugins=[keeper],
        )
    if code != pytest.ExitCode.OK:
        msg = f"the suites cannot be collected:\n{said.getvalue()[-2000:]}"
        raise HarnessError(msg)
    return sorted(keeper.controls.values(), key=lambda rule: (_ORDER.index(rule.family), rule.id))
