"""Evidence is checked offline: what was signed is genuine, and whatever was changed since is noticed."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from constat.chain import BEGINNING
from constat.errors import UserError
from reports.bundle import layout
from reports.bundle.verify import Expected, check
from tests.reports.bundle.bundles import KEY, STRANGER, Tree, following, genuine, resigned, statement, tampered, written

PUBLIC = KEY.public_key()


def deviations(tree: Tree, directory: Path, expected: Expected | None = None) -> tuple[str, ...]:
    """What is said of a bundle."""
    return check(written(tree, directory), PUBLIC, expected).deviations


def test_what_was_signed_is_genuine(tmp_path: Path) -> None:
    """An untouched bundle has no deviation, and tells what it is about."""
    checked = check(written(genuine(), tmp_path), PUBLIC)

    assert checked.deviations == ()
    assert checked.is_genuine
    assert checked.statement is not None
    assert checked.statement.target == "embedded"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tampered())
def test_whatever_is_changed_is_noticed(tree: Tree) -> None:
    """Flipped, cut, extended, removed, added, exchanged, renamed, reordered, reforged, signed otherwise: none of it passes."""
    with tempfile.TemporaryDirectory() as directory:
        checked = check(written(tree, Path(directory)), PUBLIC)

    assert checked.is_genuine == (tree == genuine())
    assert bool(checked.deviations) == (tree != genuine())


def test_a_cut_of_the_findings_is_counted(tmp_path: Path) -> None:
    """A truncated run says how many findings are there and how many were signed."""
    lines = layout.finding_lines(genuine()[layout.FINDINGS])
    said = deviations({**genuine(), layout.FINDINGS: b"\n".join(lines[:-2]) + b"\n"}, tmp_path)

    assert f"{layout.FINDINGS}: holds {len(lines) - 2} findings, {len(lines)} were signed" in said


def test_a_reordered_finding_is_named_with_its_place(tmp_path: Path) -> None:
    """Two findings that changed places are both named."""
    lines = layout.finding_lines(genuine()[layout.FINDINGS])
    lines[0], lines[4] = lines[4], lines[0]
    said = deviations({**genuine(), layout.FINDINGS: b"\n".join(lines) + b"\n"}, tmp_path)

    assert f"{layout.FINDINGS}: finding 1 is out of order, it was signed as finding 5" in said
    assert f"{layout.FINDINGS}: finding 5 is out of order, it was signed as finding 1" in said


def test_an_altered_finding_is_named(tmp_path: Path) -> None:
    """A finding that was turned from red to green is the one that is named."""
    changed = genuine()[layout.FINDINGS].replace(b'"outcome": "PASS"', b'"outcome": "FAIL"', 1)
    said = deviations({**genuine(), layout.FINDINGS: changed}, tmp_path)

    assert f"{layout.FINDINGS}: finding 1 is none that was signed" in said


def test_files_are_named_that_are_missing_replaced_or_added(tmp_path: Path) -> None:
    """Each file that differs has a line of its own."""
    tree = {**genuine(), "report.html": b"<h1>Proven</h1>", "run/more.txt": b""}
    del tree["run/target.json"]
    said = deviations(tree, tmp_path)

    assert "run/target.json: missing" in said
    assert "run/more.txt: additional, nobody has signed it" in said
    assert any(line.startswith("report.html: replaced or altered") for line in said)


def test_an_empty_folder_is_additional(tmp_path: Path) -> None:
    """Not even a name can be added."""
    written(genuine(), tmp_path)
    (tmp_path / "run" / "evidence" / "BAK-99").mkdir()

    assert check(tmp_path, PUBLIC).deviations == ("run/evidence/BAK-99: additional folder, nobody has signed it",)


def test_a_link_is_no_file(tmp_path: Path) -> None:
    """A file whose content lies elsewhere could be changed without touching the bundle."""
    written(genuine(), tmp_path / "bundle")
    (tmp_path / "bundle" / "report.pdf").rename(tmp_path / "report.pdf")
    (tmp_path / "bundle" / "report.pdf").symlink_to(tmp_path / "report.pdf")

    assert "is no plain file" in check(tmp_path / "bundle", PUBLIC).deviations[0]


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    """A bundle that a stranger has signed from end to end is not genuine."""
    said = deviations(resigned(genuine(), STRANGER), tmp_path)

    assert len(said) == 1
    assert "signed with the unknown key" in said[0]


def test_a_statement_about_another_plan_target_or_version_is_noticed(tmp_path: Path) -> None:
    """Even who holds the key cannot pass the files of one version, target or plan as those of another by mistake."""
    for number, fields in enumerate(
        (
            {"suite_version": "9.9.9"},
            {"suite_commit": "f" * 40},
            {"target": "other"},
            {"target_digest": "0" * 64},
            {"plan_digest": "0" * 64},
        )
    ):
        assert any("here is another" in line for line in deviations(resigned(genuine(), KEY, **fields), tmp_path / str(number)))


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Expected(suite="9.9.9"), "expected 9.9.9"),
        (Expected(suite="abcdef0"), "expected abcdef0"),
        (Expected(target_digest="0" * 64), "it is about another target"),
        (Expected(previous_head="0" * 63 + "1"), "it does not follow that report"),
    ],
)
def test_a_replay_is_noticed(tmp_path: Path, expected: Expected, said: str) -> None:
    """Genuine evidence of something else than what was asked for is told apart."""
    found = deviations(dict(genuine()), tmp_path, expected)

    assert len(found) == 1
    assert said in found[0]


def test_what_was_expected_may_be_said_in_either_way(tmp_path: Path) -> None:
    """The suite is known by its version, its commit or the beginning of it."""
    stated = statement(genuine())
    ways = [stated.suite_version, stated.suite_commit, stated.suite_commit[:9]]

    assert [deviations(dict(genuine()), tmp_path, Expected(suite=way)) for way in ways] == [(), (), ()]
    assert deviations(dict(genuine()), tmp_path, Expected(suite=stated.suite_commit[:3])) != ()


def test_a_report_follows_the_one_before(tmp_path: Path) -> None:
    """The second report's chain begins at the head of the first, which began at nothing."""
    first, second = statement(genuine()), statement(following())

    assert (first.previous_head, second.previous_head) == (BEGINNING, first.head)
    assert deviations(dict(following()), tmp_path, Expected(previous_head=first.head)) == ()


def test_the_statement_survives_being_written() -> None:
    """A statement that is read back is the same."""
    stated = statement(genuine())

    assert type(stated).from_document(stated.to_document()) == stated
    assert replace(stated, verdict="PROVEN") != stated


def test_no_directory_is_wrong_usage(tmp_path: Path) -> None:
    """What is not there is not called a deviation."""
    with pytest.raises(UserError, match="is no directory"):
        check(tmp_path / "ghost", PUBLIC)


def test_an_empty_directory_vouches_for_nothing(tmp_path: Path) -> None:
    """Nothing is never genuine."""
    checked = check(tmp_path, PUBLIC)

    assert not checked.is_genuine
    assert "nobody vouches" in checked.deviations[0]
