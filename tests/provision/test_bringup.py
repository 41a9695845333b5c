"""Bringing components up: in the order of what they require, once, and loudly when one does not answer."""

from __future__ import annotations

import concurrent.futures
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from constat.errors import NotReady, TargetError
from provision.bringup import Configured, bring_up
from provision.platform.component import File, Plan, Process
from provision.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from provision.platform.component import Component, Site

PLACE = SimpleNamespace()
PLACE.inside = PLACE  # as where harness and nodes share a machine
SITE = cast("Site", PLACE)


@dataclass
class Part:
    """A component that notes what is done with it; it is ready after so many looks."""

    name: str
    requires: tuple[str, ...] = ()
    looks: int = 0
    content: str = "x"
    done: list[str] = field(default_factory=list)

    def plan(self, site: Site) -> Plan:
        """One process and one file."""
        del site
        process = Process(name=self.name, node=self.name, command=("/bin/true",))
        return Plan(processes=(process,), files=(File(node=self.name, path="f", content=self.content),))

    def ready(self, site: Site) -> None:
        """Ready after so many looks."""
        del site
        self.looks -= 1
        if self.looks > 0:
            msg = "it is still warming up"
            raise NotReady(msg)

    def configure(self, site: Site) -> None:
        """Note it."""
        del site
        self.done.append(self.name)


@dataclass
class Machine:
    """A host that starts nothing; a component may be one whose process gives up."""

    fatal: str = ""

    def apply(self, component: str, plan: Plan) -> None:
        """Start nothing."""

    def check(self, plan: Plan) -> None:
        """Say that the process has given up, when it is that one."""
        if plan.processes[0].name == self.fatal:
            msg = "it does not stay up"
            raise TargetError(msg)

    def last_words(self, plan: Plan) -> str:
        """What it wrote."""
        return f"last words of {plan.processes[0].name}"


def bring(parts: list[Part], tmp_path: Path, host: Machine | None = None, *, within: float = 60) -> None:
    """Bring them up on a host."""
    whole = cast("tuple[Component, ...]", tuple(parts))
    bring_up(whole, SITE, host=host or Machine(), configured=Configured(tmp_path / "configured.json"), progress=Silent(), within=within)


def test_what_is_required_comes_first(tmp_path: Path) -> None:
    """A component is begun when what it requires is configured; what it requires elsewhere does not count."""
    done: list[str] = []
    bring([Part("c", ("b",), done=done), Part("a", ("elsewhere",), 3, done=done), Part("b", ("a",), done=done)], tmp_path)

    assert done == ["a", "b", "c"]


def test_what_is_configured_is_not_configured_again(tmp_path: Path) -> None:
    """A second `up` configures only what another plan was made for."""
    done: list[str] = []
    for content in ("x", "x", "y"):
        bring([Part("a", content=content, done=done)], tmp_path)

    assert done == ["a", "a"]


def test_one_that_does_not_answer_is_named_with_its_last_words(tmp_path: Path) -> None:
    """Slow is not silent: name, last answer, last log lines, and what to do."""
    with pytest.raises(NotReady, match=r"'a' did not come up.*still warming up.*try once more.*\n.*last words of a"):
        bring([Part("a", looks=1000)], tmp_path, within=0.2)


def test_one_that_gives_up_ends_it_at_once(tmp_path: Path) -> None:
    """A process that does not stay up is not waited for, and what requires it is not begun."""
    done: list[str] = []
    with pytest.raises(TargetError, match="'a' did not come up: it does not stay up"):
        bring([Part("a", done=done), Part("b", ("a",), done=done)], tmp_path, Machine(fatal="a"))

    assert done == []


def test_two_that_end_in_the_same_moment_are_both_remembered(tmp_path: Path) -> None:
    """Components come up side by side: what one of them notes neither loses nor disturbs what another does."""
    noted, names = Configured(tmp_path / "configured.json"), [f"part-{number}" for number in range(200)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: noted.add(name, "x"), names))

    assert all(Configured(tmp_path / "configured.json").has(name, "x") for name in names)
