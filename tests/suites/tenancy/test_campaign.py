"""How a campaign judges its acts: a pure function of what was seen, and an oracle that is believed."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from constat.attempt import Answer
from constat.errors import Unobservable
from constat.outcome import Outcome
from suites.tenancy.campaign import OK, UNSUPPORTED, Act, Place, Tried, besiege, difference, verdict

CANARY = "c0ffee00c0ffee00c0ffee00"
DENIED = frozenset({"http 403"})


@dataclass
class World:
    """What the victim has, and what an act does to it."""

    content: str = CANARY
    acts: list[str] = field(default_factory=list)
    mended: int = 0

    def place(self) -> Place:
        """The victim's side of this world."""
        return Place(subject="it", canaries=(CANARY,), state=lambda: f"line\n{self.content}", mend=self.mend)

    def mend(self) -> None:
        """Put the canary back."""
        self.content, self.mended = CANARY, self.mended + 1

    def overwrite(self) -> Answer:
        """Change what is the victim's, and say that it was refused."""
        self.content = f"{CANARY} gone"
        return Answer(kind="http 403")


def act(name: str = "get", *, twin: Answer | None = None, answer: Answer | None = None, absent: Answer | None = None, own: str = "") -> Act:
    """An act with these answers."""
    said = answer or Answer(kind="http 403")
    return Act(
        name=name,
        twin=lambda: twin or Answer(kind=OK, shown="mine"),
        forbidden=lambda: said,
        absent=(lambda: absent) if absent else None,
        refusals=DENIED,
        own=own,
    )


def judged(asked: Act) -> Outcome:
    """How the act ends."""
    absent = asked.absent() if asked.absent else None
    return verdict(Tried(act=asked, twin=asked.twin(), answer=asked.forbidden(), absent=absent), (CANARY,)).outcome


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (act(), Outcome.PASS),
        (act(answer=Answer(kind=OK)), Outcome.FAIL),
        (act(answer=Answer(kind="http 403", shown=f"no {CANARY.upper()}")), Outcome.FAIL),
        (act(answer=Answer(kind="http 409", reached=True)), Outcome.FAIL),
        (act(answer=Answer(kind="http 500")), Outcome.ERROR),
        (act(absent=Answer(kind="http 403")), Outcome.PASS),
        (act(absent=Answer(kind="http 404")), Outcome.FAIL),
        (act(absent=Answer(kind="http 403", shown="no such key")), Outcome.FAIL),
        (act(twin=Answer(kind="http 403")), Outcome.ERROR),
        (act(twin=Answer(kind=OK, shown="yours"), own="mine"), Outcome.ERROR),
        (act(twin=Answer(kind=UNSUPPORTED), answer=Answer(kind="http 501")), Outcome.PASS),
        (act(twin=Answer(kind=UNSUPPORTED), answer=Answer(kind=OK)), Outcome.FAIL),
    ],
)
def test_an_act_is_green_only_with_its_twin_and_a_declared_refusal(asked: Act, outcome: Outcome) -> None:
    """A leak is red whatever the twin said; without a twin nothing is green."""
    assert judged(asked) is outcome


def test_a_subject_is_as_good_as_its_worst_act() -> None:
    """One act that is carried out makes the subject red, and is named."""
    seen = besiege(World().place(), [act("get"), act("put", answer=Answer(kind=OK))])

    assert (seen.outcome, seen.reason.startswith("put: was carried out")) == (Outcome.FAIL, True)
    assert seen.observed == {"get": ["http 403"], "put": [OK]}


def test_a_change_is_seen_by_the_oracle_and_put_back() -> None:
    """An act that says it was refused and was not is found out, named, and mended."""
    world = World()
    sly = Act(name="put", twin=lambda: Answer(kind=OK), forbidden=world.overwrite, refusals=DENIED, writes=True)

    seen = besiege(world.place(), [act("get"), sly])

    assert (seen.outcome, world.content) == (Outcome.FAIL, CANARY)
    assert seen.reason.startswith("put: the victim's side changed")


def test_a_change_by_nobody_is_not_green() -> None:
    """What changes while acts only look proves nothing."""
    world = World()
    meddling = Act(name="get", twin=lambda: Answer(kind=OK), forbidden=world.overwrite, refusals=DENIED)

    assert besiege(world.place(), [meddling]).outcome is Outcome.ERROR


def test_without_the_canary_nothing_is_proven() -> None:
    """Where the oracle sees nothing there was nothing to be reached."""
    assert besiege(World(content="empty").place(), [act()]).outcome is Outcome.ERROR


def test_no_act_at_all_is_not_reviewed() -> None:
    """An empty campaign is never a pass."""
    assert besiege(World().place(), []).outcome is Outcome.NOT_REVIEWED


def test_what_cannot_be_looked_at_is_an_error() -> None:
    """A server that hangs up is ERROR, not a refusal."""

    def hang_up() -> Answer:
        msg = "gone"
        raise Unobservable(msg)

    lost = Act(name="get", twin=lambda: Answer(kind=OK), forbidden=hang_up, refusals=DENIED)

    assert besiege(World().place(), [lost]).outcome is Outcome.ERROR


@pytest.mark.parametrize(("before", "after"), [("a\nb", "b\na"), ("a", "a\na"), ("a", "b"), ("", "a")])
def test_any_difference_is_told(before: str, after: str) -> None:
    """Order and number of lines count too."""
    assert difference(before, after)
    assert not difference(before, before)
