"""How what was tried at a relation is judged."""

from __future__ import annotations

import pytest
from psycopg import sql

from constat.attempt import Answer
from constat.outcome import Outcome
from suites.tenancy.postgres.judging import Tried, judged
from suites.tenancy.postgres.scenes import Plan
from suites.tenancy.postgres.sessions import Act
from tests.suites.tenancy.postgres.samples import CANARY, OTHER

STATEMENT = sql.SQL("SELECT {}").format(1)


def tried(answer: Answer, *, twin: str = "ok", before: str = CANARY, after: str = CANARY) -> Tried:
    """A read of the victim's row, refused or not."""
    return Tried(
        plan=Plan(how="read by key", act=Act(statement=STATEMENT), twin="read"),
        own_canary=OTHER,
        foreign_canary=CANARY,
        twin=Answer(kind=twin, shown=OTHER),
        before=before,
        answer=answer,
        after=after,
        statement=STATEMENT,
    )


REFUSED = Answer(kind="zero rows")


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (tried(REFUSED), Outcome.PASS),
        (tried(Answer(kind="ok", shown=f"a row with {CANARY}")), Outcome.FAIL),
        (tried(Answer(kind="sqlstate 22P02", shown=CANARY)), Outcome.FAIL),
        (tried(Answer(kind="own rows only", reached=True)), Outcome.FAIL),
        (tried(REFUSED, after=f"{CANARY} changed"), Outcome.FAIL),
        (tried(REFUSED, twin="zero rows"), Outcome.ERROR),
        (tried(REFUSED, before="", after=""), Outcome.ERROR),
        (tried(Answer(kind="sqlstate 57014")), Outcome.ERROR),
    ],
)
def test_one_attempt(one: Tried, outcome: Outcome) -> None:
    """A refusal passes only with its twin and its oracle; what is shown, reached or changed fails."""
    assert judged("leads", [one]).outcome is outcome


def test_the_worst_decides_and_is_named() -> None:
    """One leak among many refusals is the relation's verdict, with its way and a statement to paste."""
    judgement = judged("leads", [tried(REFUSED), tried(Answer(kind="ok", shown=CANARY)), tried(REFUSED)])

    assert judgement.outcome is Outcome.FAIL
    assert judgement.reason.startswith("read by key: ")
    assert any("SELECT 1" in evidence.content for evidence in judgement.evidence)


def test_nothing_tried_is_not_a_pass() -> None:
    """A relation at which nothing was tried is NOT_REVIEWED."""
    assert judged("leads", []).outcome is Outcome.NOT_REVIEWED
