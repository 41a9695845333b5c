"""One embedded stack for all integration tests, brought up by the command line as a person would."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil
import pytest

from tests.integration.harness import NAME, Constat, Ended

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACE: Final = Path("/var/tmp")  # noqa: S108 - the directory in it is made by mkdtemp
_PREFIX: Final = "constat-it-"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What only computes comes first, then what measures by the clock, then what needs the stack, which would disturb the others."""
    for item in items:
        if _needs_servers(item):
            item.add_marker(pytest.mark.integration)
    items.sort(key=lambda item: (item.get_closest_marker("integration") is not None, _needs_servers(item)))


def _needs_servers(item: pytest.Item) -> bool:
    return Path(item.path).is_relative_to(Path(__file__).parent)


@pytest.fixture(scope="session")
def constat() -> Iterator[Constat]:
    """The command, in a home that the platform's accounts can traverse."""
    sweep()
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_PLACE))
    home.chmod(0o755)
    yield Constat(home)
    shutil.rmtree(home)


def sweep() -> None:
    """Take down what a session has left that was killed: its stacks run on."""
    for home in _PLACE.glob(f"{_PREFIX}*-*"):
        owner = home.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            for stack in filter(Path.is_dir, home.iterdir()):
                Constat(home)("down", "--name", stack.name)
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
