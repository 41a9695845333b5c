"""The terminal says the verdict, and every red with its remedy."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from constat.outcome import Outcome
from reports.compare import compare
from reports.run import load_run
from reports.table import print_comparison, print_verdict
from tests.reports.platform_run import write_green, write_mixed
from tests.reports.sample import Rule, Seen, write_run

if TYPE_CHECKING:
    from pathlib import Path


def printed(directory: Path, *, is_terminal: bool = False) -> str:
    """What is printed of a run."""
    stream = io.StringIO()
    print_verdict(
        load_run(directory), Console(file=stream, force_terminal=is_terminal, width=80, color_system="standard" if is_terminal else None)
    )
    return stream.getvalue()


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.PASS, "Proven: 0 red, 0 not proven, of 1 controls (exit code 0)"),
        (Outcome.NOT_APPLICABLE, "Proven: 0 red, 0 not proven, of 1 controls (exit code 0)"),
        (Outcome.WAIVED, "Proven: 0 red, 0 not proven, of 1 controls (exit code 0)"),
        (Outcome.NOT_REVIEWED, "Not proven: 0 red, 1 not proven, of 1 controls (exit code 6)"),
        (Outcome.INCONCLUSIVE, "Not proven: 0 red, 1 not proven, of 1 controls (exit code 6)"),
        (Outcome.ERROR, "Not proven: 0 red, 1 not proven, of 1 controls (exit code 6)"),
        (Outcome.FAIL, "Failed: 1 red, 0 not proven, of 1 controls (exit code 1)"),
    ],
)
def test_the_last_line_is_the_verdict(tmp_path: Path, outcome: Outcome, words: str) -> None:
    """Each outcome ends in its verdict and exit code."""
    write_run(tmp_path, [Rule(id="TEN-PG-01", title="First.")], [Seen(control="TEN-PG-01", subject="a", outcome=outcome)])

    assert printed(tmp_path).splitlines()[-1] == words


def test_every_family_has_a_line(tmp_path: Path) -> None:
    """A line says how the controls of a family ended, the worst first."""
    lines = [line.split() for line in printed(write_mixed(tmp_path)).splitlines()]

    assert ["hosts", "waived", "1", "waived,", "1", "not", "applicable,", "1", "pass", "7.6", "s"] in lines


def test_every_red_has_its_remedy(tmp_path: Path) -> None:
    """A red control, its subjects, their reasons and the remedy stand together."""
    text = printed(write_mixed(tmp_path))

    assert "    property.prices: t10 read the canary of t1 through the pooler\n" in text
    assert "    remedy: Enable and FORCE row level security on the table, with a policy on organization_id.\n" in text


def test_what_is_not_proven_or_waived_is_listed(tmp_path: Path) -> None:
    """Each with its reason."""
    text = printed(write_mixed(tmp_path))

    assert "not reviewed   CHA-PG-02 the run ended before it was reached\n" in text
    assert "waived         HOS-MOD-01 scheduler/pgbackrest.conf: waived by Awa Diallo" in text


def test_without_a_terminal_it_is_plain(tmp_path: Path) -> None:
    """No escape sequence and no line is cut; on a terminal there are colours."""
    write_mixed(tmp_path)

    assert "\x1b" not in printed(tmp_path)
    assert "…" not in printed(tmp_path)
    assert "\x1b[" in printed(tmp_path, is_terminal=True)


def test_a_hostile_string_does_not_drive_the_terminal(tmp_path: Path) -> None:
    """Escape sequences and rich markup are text."""
    text = "\x1b[2J[bold]x[/bold] [link=file:///etc/passwd]y[/link]"
    rule = Rule(id="TEN-PG-01", title=text, remediation=text)
    shown = printed(write_run(tmp_path, [rule], [Seen(control=rule.id, subject=text, outcome=Outcome.FAIL, reason=text)]))

    assert "\x1b" not in shown
    assert shown.count("\\x1b[2J[bold]x[/bold] [link=file:///etc/passwd]y[/link]") == 4


def test_a_run_without_controls_says_so(tmp_path: Path) -> None:
    """Nothing is not a pass in the terminal either."""
    assert printed(write_run(tmp_path, [], [])).splitlines()[-1] == "Not proven: 0 red, 0 not proven, of 0 controls (exit code 6)"


def test_a_comparison_is_printed_uncut(tmp_path: Path) -> None:
    """Reasons stand on one line, however long."""
    stream = io.StringIO()
    green, mixed = load_run(write_green(tmp_path / "green")), load_run(write_mixed(tmp_path / "mixed"))
    print_comparison(compare(green, mixed), Console(file=stream, width=60))

    assert "  TEN-PG-03 property.prices: pass → fail: t10 read the canary of t1 through the pooler\n" in stream.getvalue()
