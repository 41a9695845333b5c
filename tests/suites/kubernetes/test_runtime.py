"""What a process may is judged by what the kernel says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from constat.observe.kubernetes import Pod
from constat.observe.pods import Process, by_container
from constat.outcome import Outcome, worst
from suites.kubernetes.test_runtime import judge, judged

if TYPE_CHECKING:
    from collections.abc import Callable

CONFINED = Process(
    pid=7,
    machine="worker",
    container="c1",
    name="server",
    uids=frozenset({10001}),
    gids=frozenset({10001}),
    capabilities=0,
    no_new_privs=True,
    seccomp=True,
    shared=(),
    root_is_writable=False,
    has_token=False,
    is_first=True,
    listens=frozenset(),
)
LOOSE: dict[str, Callable[[], Process]] = {
    "root": lambda: replace(CONFINED, uids=frozenset({0, 10001})),
    "root's group": lambda: replace(CONFINED, gids=frozenset({0})),
    "a capability": lambda: replace(CONFINED, capabilities=1 << 13),
    "may gain": lambda: replace(CONFINED, no_new_privs=False),
    "unfiltered": lambda: replace(CONFINED, seccomp=False),
    "the machine's processes": lambda: replace(CONFINED, shared=("pid",)),
    "a writable image": lambda: replace(CONFINED, root_is_writable=True),
    "a token": lambda: replace(CONFINED, has_token=True),
}


def pod(**containers: str) -> Pod:
    """A pod with containers, id = name."""
    return Pod(
        namespace="n", name="p", uid="u", machine="worker", address="10.0.0.1", labels={}, containers=dict(containers), on_host=False
    )


def test_what_is_confined_passes() -> None:
    """Also with the one capability that the standard lets a container keep."""
    assert judge("s", (CONFINED, replace(CONFINED, capabilities=1 << 10))).outcome is Outcome.PASS


@pytest.mark.parametrize("what", sorted(LOOSE))
def test_one_loose_process_among_others_is_a_failure(what: str) -> None:
    """Each thing that a process may have too much of is seen, whoever runs beside it."""
    assert judge("s", (CONFINED, LOOSE[what]())).outcome is Outcome.FAIL


def test_a_container_that_no_machine_shows_is_an_error() -> None:
    """That nothing was seen of it is no pass, and the coverage says so."""
    found = list(judged([pod(c1="server", c2="other")], by_container([CONFINED])))

    assert [judgement.outcome for judgement in found] == [Outcome.PASS, Outcome.ERROR, Outcome.NOT_REVIEWED]


def test_no_container_at_all_is_no_pass() -> None:
    """A cluster without pods proves nothing."""
    assert worst(judgement.outcome for judgement in judged([], {})) is Outcome.NOT_REVIEWED
