"""What counts as noticed, what as a false alarm, and how the tools are put side by side."""

from __future__ import annotations

from bench.peers.table import Results, printed
from bench.peers.tool import Look, together
from constat.mutant import Mutant, Scope
from constat.outcome import Outcome

CLEAN = Look(findings=frozenset({"noise"}), unable=frozenset({"murky"}), seconds=1.0)


def change(change_id: str, expects: Outcome = Outcome.FAIL) -> Mutant:
    """A change that nobody plants."""
    return Mutant(
        id=change_id,
        title="a change",
        scope=Scope.DATABASE,
        controls=("TEN-PG-01",),
        expects=expects,
        plant=lambda _stack, _state: None,
        confirm=lambda _stack, _state: True,
        revert=lambda _stack, _state: None,
        fingerprint=lambda _stack: "",
    )


def look(*findings: str, unable: tuple[str, ...] = (), seconds: float = 1.0) -> Look:
    """A look that finds the noise too."""
    return Look(findings=frozenset({"noise", *findings}), unable=frozenset({"murky", *unable}), seconds=seconds)


def results() -> Results:
    """Two defects and a harmless change: pgrls notices one and is quiet, pgTAP alarms about everything but one, Constat sees one."""
    first, second, harmless = change("MUT-TEN-PG-01"), change("MUT-TEN-PG-02"), change("SAFE-TEN-PG-01", Outcome.PASS)
    return Results(
        clean={"pgrls lint": CLEAN, "pgTAP lists": CLEAN, "Constat": CLEAN},
        looks={
            first: {"pgrls lint": look("a"), "pgTAP lists": look("b"), "Constat": look()},
            second: {"pgrls lint": look(), "pgTAP lists": look(), "Constat": look("c")},
            harmless: {"pgrls lint": look(), "pgTAP lists": look(unable=("d",)), "Constat": look()},
        },
        left_out=1,
        drifted=(),
        versions=("pgrls 1",),
    )


def test_what_is_found_on_the_clean_schema_is_noise() -> None:
    """Only what is new counts; what cannot be judged is an alarm, but not a defect noticed."""
    assert not look().noticed(CLEAN)
    assert look("x").noticed(CLEAN)
    assert not look(unable=("y",)).noticed(CLEAN)
    assert look(unable=("y",)).alarms(CLEAN)


def test_looks_together_find_what_any_of_them_finds() -> None:
    """The seconds add up, for they come one after the other."""
    both = together([look("a"), look("b", seconds=2.0)])
    assert both.findings == {"noise", "a", "b"}
    assert both.seconds == 3.0


def test_every_tool_is_counted_by_the_same_rule() -> None:
    """Defects and harmless changes apart; several looks of one tool together."""
    found = results()
    assert [m.id for m in found.noticed("pgrls lint")] == ["MUT-TEN-PG-01"]
    assert [m.id for m in found.alarmed("pgTAP lists")] == ["SAFE-TEN-PG-01"]
    assert [m.id for m in found.noticed("pgTAP, all of them")] == ["MUT-TEN-PG-01"]
    assert found.noise("Constat") == 2
    assert found.quiet == ("pgrls lint",)


def test_what_only_some_noticed_is_named() -> None:
    """In both directions: what no peer noticed, and what a peer noticed and we did not."""
    page = printed(results(), markdown=True)
    assert "| Constat | 1 of 2 | 0 of 1 | 2 | 1.0 |" in page
    assert "No peer noticed (1):\n\n* MUT-TEN-PG-02" in page
    assert "A peer noticed and Constat did not (1):\n\n* MUT-TEN-PG-01" in page
