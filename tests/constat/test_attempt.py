"""The forms of a negative claim: a green needs a positive control, an oracle and a declared refusal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from constat.attempt import Admission, Answer, Attempt, Pair, Seen, admission, attempt, indistinguishable, judge
from constat.errors import Unobservable
from constat.outcome import Outcome

MINE, THEIRS = "caaaaaaaaaaaaaaaaaaaaaaa", "cbbbbbbbbbbbbbbbbbbbbbbb"
OWN = Answer(kind="ok", shown=f"row {MINE}")
DENIED = Answer(kind="zero rows")
GOOD = Seen(permitted=OWN, before=f"[{THEIRS}]", forbidden=DENIED, after=f"[{THEIRS}]")
KINDS = st.sampled_from(["ok", "zero rows", "sqlstate 42501", "sqlstate 57014", "refused", ""])


def plan(**changes: object) -> Attempt:
    """An attempt that everything goes well for, but for the changes."""
    base = Attempt(
        subject="public.properties",
        own_canary=MINE,
        foreign_canaries=(THEIRS,),
        refusals=frozenset({"zero rows", "sqlstate 42501"}),
        permitted=lambda: OWN,
        forbidden=lambda: DENIED,
        oracle=lambda: f"[{THEIRS}]",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def unreachable() -> Answer:
    """A server that is not there."""
    msg = "connection refused"
    raise Unobservable(msg)


def test_refused_with_all_its_proofs_passes() -> None:
    """Twin succeeded, canary seen, refused as declared, untouched: PASS."""
    assert attempt(plan()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (replace(GOOD, forbidden=Answer(kind="ok", shown=THEIRS)), Outcome.FAIL),
        (replace(GOOD, forbidden=Answer(kind="sqlstate 22P02", shown=f'invalid input: "{THEIRS}"')), Outcome.FAIL),
        (replace(GOOD, after="[]"), Outcome.FAIL),
        (replace(GOOD, permitted=Answer(kind="ok", shown=f"{MINE} {THEIRS}")), Outcome.FAIL),
        (replace(GOOD, before="[]", after="[]"), Outcome.ERROR),
        (replace(GOOD, permitted=Answer(kind="sqlstate 42501")), Outcome.ERROR),
        (replace(GOOD, permitted=Answer(kind="ok", shown="nothing of mine")), Outcome.ERROR),
        (replace(GOOD, forbidden=Answer(kind="sqlstate 57014")), Outcome.ERROR),
        (replace(GOOD, forbidden=Answer(kind="ok")), Outcome.ERROR),
    ],
    ids=[
        "leaks",
        "leaks-in-an-error",
        "changes-the-victim",
        "twin-sees-too-much",
        "no-canary-seeded",
        "twin-lacks-the-grant",
        "twin-sees-nothing",
        "undeclared-refusal",
        "succeeds-showing-nothing",
    ],
)
def test_anything_less_is_not_a_pass(seen: Seen, outcome: Outcome) -> None:
    """A leak or a change is FAIL; a missing proof is ERROR."""
    assert judge(plan(), seen).outcome is outcome


@given(KINDS, KINDS, st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()))
def test_a_pass_implies_every_proof(twin: str, act: str, flags: tuple[bool, bool, bool, bool]) -> None:
    """Whatever was seen, PASS is said only when all proofs are there and nothing leaked."""
    twin_shows, act_leaks, seeded, unchanged = flags
    before = f"[{THEIRS}]" if seeded else "[]"
    seen = Seen(
        permitted=Answer(kind=twin, shown=MINE if twin_shows else ""),
        before=before,
        forbidden=Answer(kind=act, shown=THEIRS if act_leaks else ""),
        after=before if unchanged else "[changed]",
    )

    passed = judge(plan(), seen).outcome is Outcome.PASS

    assert passed == (twin == "ok" and twin_shows and seeded and unchanged and not act_leaks and act in plan().refusals)


@pytest.mark.parametrize("step", ["permitted", "forbidden", "oracle"])
def test_what_cannot_be_observed_is_an_error(step: str) -> None:
    """A server that is down, at whichever step, is ERROR and never a refusal."""
    assert attempt(plan(**{step: unreachable})).outcome is Outcome.ERROR


def test_a_canary_is_recognised_in_other_spellings() -> None:
    """Upper case and lost dashes do not hide a canary."""
    assert Answer(kind="ok", shown="AB-CD-12").shows("abcd12")


@pytest.mark.parametrize(
    ("twin", "other", "outcome"),
    [
        ("ok", "http 401", Outcome.PASS),
        ("ok", "ok", Outcome.FAIL),
        ("refused", "ok", Outcome.FAIL),
        ("refused", "http 401", Outcome.ERROR),
        ("ok", "http 500", Outcome.ERROR),
        ("ok", "refused", Outcome.ERROR),
    ],
)
def test_admission(twin: str, other: str, outcome: Outcome) -> None:
    """The authorised twin gets in, the other is refused in a declared way; all else is no pass."""
    tried = Admission(
        subject="cache",
        refusals=frozenset({"http 401"}),
        authorised=lambda: Answer(kind=twin),
        unauthorised=lambda: Answer(kind=other),
    )

    assert admission(tried).outcome is outcome


def test_admission_to_a_dead_server_is_an_error() -> None:
    """A dead server admits nobody, and that proves nothing."""
    tried = Admission(subject="cache", refusals=frozenset({"refused"}), authorised=unreachable, unauthorised=lambda: Answer(kind="refused"))

    assert admission(tried).outcome is Outcome.ERROR


def test_indistinguishable_needs_enough_pairs() -> None:
    """Alike pairs pass when there are enough; too few are INCONCLUSIVE; one difference is FAIL."""
    alike, different = Pair(existing="404", absent="404"), Pair(existing="403", absent="404")

    assert indistinguishable("ids", [alike] * 5, enough=5).outcome is Outcome.PASS
    assert indistinguishable("ids", [alike] * 4, enough=5).outcome is Outcome.INCONCLUSIVE
    assert indistinguishable("ids", [], enough=5).outcome is Outcome.INCONCLUSIVE
    assert indistinguishable("ids", [*[alike] * 9, different], enough=5).outcome is Outcome.FAIL
