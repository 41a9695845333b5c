"""Target files: every problem in one message, nothing accepted by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from constat.errors import UserError
from constat.target import load_target

TARGETS = Path(__file__).resolve().parents[2] / "targets"
GOOD = (TARGETS / "embedded.toml").read_text("utf-8")


def written(tmp_path: Path, text: str) -> Path:
    """A target file with this text."""
    path = tmp_path / "target.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(path: Path) -> str:
    """The message with which a file is refused."""
    with pytest.raises(UserError) as caught:
        load_target(path)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(TARGETS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_target_of_the_project_is_well_formed(path: Path) -> None:
    """Each file in targets/ loads."""
    assert load_target(path).name


def test_all_problems_come_in_one_message(tmp_path: Path) -> None:
    """An unknown key, a wrong type and a missing key are reported together."""
    text = GOOD.replace('environment = "staging"\n', "").replace("p95_ms = 200", 'p95_ms = "fast"') + "\n[surprise]\na = 1\n"

    message = refusal(written(tmp_path, text))

    assert "3 problems" in message
    assert "environment: Field required" in message
    assert "objectives.latency.p95_ms" in message
    assert "'fast'" in message
    assert "surprise: unknown key" in message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (('environment = "staging"', 'environment = "production"'), "'disrupt' is refused for environment 'production'"),
        (('provider = "embedded"', 'provider = "existing"'), "needs a table [existing]"),
        (('attack_pair = ["t1", "t10"]', 'attack_pair = ["t1", "t99"]'), "'t99' is not in [tenants]"),
        (('plan = "default"', 'plan = "gold"'), "'gold' is not in [plans]"),
        (("11111111-0000-4000-8000-000000000002", "not-a-uuid"), "expected a uuid"),
        (("[tenants.t2]", '[tenants."t*"]'), "tenants.t*: not usable as a name"),
        (("[tenants.t2]", "[tenants.admin]"), "tenants.admin: not usable as a name"),
        (('provider = "embedded"', 'provider = "cloud"'), "'cloud'"),
        (('impact = "disrupt"', 'impact = "everything"'), "'everything'"),
        (('name = "embedded"', 'name = "No Name"'), "name"),
        (("expires = 2027-05-31", "expires = 2999-01-01"), "SEC-TLS-02.expires: 2999-01-01 is more than a year ahead"),
        (('subject = "redis-exporter/web"\n', ""), "subject: Field required"),
    ],
    ids=[
        "production-disrupt",
        "existing-without-stack",
        "pair",
        "plan",
        "uuid",
        "glob",
        "reserved",
        "provider",
        "impact",
        "name",
        "for-ever",
        "waives-all",
    ],
)
def test_contradictions_are_named(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    """Each contradiction is refused with the value and what was expected."""
    assert change[0] in GOOD

    assert named in refusal(written(tmp_path, GOOD.replace(*change)))


def test_a_missing_file_says_where_targets_are(tmp_path: Path) -> None:
    """A path that does not exist is refused with a hint."""
    assert "does not exist" in refusal(tmp_path / "nowhere.toml")


def test_text_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    """Broken TOML is refused with its position."""
    assert "line 1" in refusal(written(tmp_path, "name = = 1"))


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    """A binary file is refused as unreadable."""
    path = tmp_path / "target.toml"
    path.write_bytes(b"\xff\xfe\x00")

    assert "cannot be read" in refusal(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    """A directory in place of a file is refused."""
    assert "cannot be read" in refusal(tmp_path)
