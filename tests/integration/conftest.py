"""One embedded stack for all integration tests, brought up by the command line as a person would."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.harness import NAME, Constat, Ended

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs servers runs after everything that does not."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.integration)
    items.sort(key=lambda item: item.get_closest_marker("integration") is not None)


@pytest.fixture(scope="session")
def constat() -> Iterator[Constat]:
    """The command, in a home that the platform's accounts can traverse."""
    home = Path(tempfile.mkdtemp(prefix="constat-it-", dir="/var/tmp"))
    home.chmod(0o755)
    yield Constat(home)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def up(constat: Constat) -> Iterator[Ended]:
    """The stack, up; taken down at the end, which must leave nothing."""
    ended = constat("up", "--name", NAME)
    yield ended
    down = constat("down", "--name", NAME)
    left = [path.name for path in constat.home.iterdir() if not path.name.startswith(".")]
    assert (down.code, left) == (0, [])


@pytest.fixture(scope="session")
def verified(constat: Constat, up: Ended) -> Ended:
    """The whole verification of the clean stack, once."""
    assert up.code == 0, up.err
    return constat("verify", "--name", NAME, timeout=1200)
