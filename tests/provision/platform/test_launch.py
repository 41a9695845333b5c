"""The primary's lock: renewed by who holds it, and never taken back from who holds it now."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

LAUNCHER: Final = Path(__file__).resolve().parents[3] / "provision" / "platform" / "templates" / "postgres" / "launch.py"


def launcher() -> ModuleType:
    """The program as a module; it needs Patroni only when it is run."""
    spec = importlib.util.spec_from_file_location("launch", LAUNCHER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Retry:
    """Calls at once."""

    stoptime = 0.0
    deadline = 0.0

    def copy(self) -> Retry:
        """As Patroni's own."""
        return Retry()

    def __call__(self, method: Callable[..., Any], *args: Any, retry: object, **kwargs: Any) -> Any:
        """Hand on what is for the method."""
        del retry
        return method(*args, **kwargs)


@dataclass
class Member:
    """A member as Patroni 3.0 is one: what it remembers, and a store with one key."""

    key: tuple[str, str, int] | None  # name, lease, revision
    seen: SimpleNamespace | None  # the leader when the cluster was last looked at
    lease: str | None = "old"
    is_expired: bool = False
    leader_path: str = "/leader"
    _name: str = "one"
    _retry: Retry = field(default_factory=Retry)

    @property
    def _lease(self) -> str | None:
        return self.lease

    @property
    def cluster(self) -> SimpleNamespace:
        """What it has read."""
        return SimpleNamespace(leader=self.seen)

    @property
    def _client(self) -> Member:
        return self

    def _do_refresh_lease(self, _force: bool) -> None:  # noqa: FBT001 - as Patroni calls it
        self.lease = "new" if self.is_expired else self.lease

    def _run_and_handle_exceptions(self, method: Callable[..., Any], *args: Any, retry: Callable[..., Any], **kwargs: Any) -> Any:
        return retry(method, *args, **kwargs)

    def put(self, _path: str, name: str, lease: str, *, mod_revision: int | None = None, create_revision: int | None = None) -> bool | None:
        """Write the key when it is as it was said to be."""
        revision = self.key[2] if self.key else 0
        if (mod_revision if mod_revision is not None else create_revision) != revision:
            return None
        self.key = (name, lease, revision + 1)
        return True


OWN: Final = SimpleNamespace(name="one", session="old", index=7)
OTHER: Final = SimpleNamespace(name="two", session="theirs", index=9)


@pytest.mark.parametrize(
    ("member", "holds", "key"),
    [
        (Member(key=("one", "old", 7), seen=OWN), True, "one"),
        (Member(key=("one", "old", 7), seen=OWN, is_expired=True), True, "one"),
        (Member(key=("two", "theirs", 9), seen=OWN, is_expired=True), False, "two"),
        (Member(key=("two", "theirs", 9), seen=OTHER, is_expired=True), False, "two"),
        (Member(key=None, seen=OWN, is_expired=True), False, None),
        (Member(key=None, seen=None, is_expired=True), True, "one"),
        (Member(key=("one", "old", 7), seen=None), True, "one"),
    ],
    ids=["holds", "renews", "frozen and replaced", "replaced", "frozen and nobody's", "nobody's", "just taken"],
)
def test_a_lock_is_kept_and_never_taken_back(member: Member, holds: bool, key: str | None) -> None:  # noqa: FBT001 - a table
    """Who woke up with a lease that has expired has lost it, whatever it remembers."""
    assert launcher().update_leader(member) is holds
    assert (member.key[0] if member.key else None) == key


def test_a_method_that_asks_is_left_alone() -> None:
    """Later versions are given the leader, and compare by themselves."""

    def later(self: object, leader: object) -> None:
        del self, leader

    def earlier(self: object) -> None:
        del self

    def catching(method: object) -> object:
        return method

    module = launcher()
    for method, stays in ((later, True), (earlier, False)):
        library = SimpleNamespace(Etcd3=SimpleNamespace(_update_leader=method), catch_return_false_exception=catching)
        module.mend(library)
        assert (library.Etcd3._update_leader is method) is stays
