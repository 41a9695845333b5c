"""Bad input: one clear message with the remedy, exit 4, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
TARGET: Final = (ROOT / "targets" / "embedded.toml").read_text("utf-8")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the command with a home of its own; its exit code and what it said."""

    def go(*words: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=ROOT,
            env={**os.environ, "CONSTAT_HOME": str(tmp_path / "home"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return go


def written(path: Path, text: str) -> str:
    """A target file with this text."""
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("up", "--target", "/nowhere.toml"), "does not exist"),
        (("up", "--name", "Not A Name"), "is not usable"),
        (("status", "--name", "ghost"), "run `constat up` first"),
        (("credentials", "--name", "ghost"), "run `constat up` first"),
        (("report", "ghost"), "no run 'ghost'"),
        (("compare", "ghost", "ghost"), "no run 'ghost'"),
        (("detect", "--mutant", "MUT-NO-01"), "mutant 'MUT-NO-01' is unknown"),
        (("detect", "--family", "magic"), "family 'magic' is unknown"),
        (("prune",), "--keep"),
        (("prune", "--keep", "0"), "greater than or equal to 1"),
        (("up", "--no-such-option"), "No such option"),
        (("dance",), "No such command"),
        ((), "Usage"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_exits_4_with_one_message(run: Callable[..., tuple[int, str]], words: tuple[str, ...], said: str) -> None:
    """Wrong usage exits 4, names what is wrong, and shows no traceback."""
    code, output = run(*words)

    assert code == 4, output
    assert said in output
    assert "Traceback" not in output


def test_production_refuses_disruption_before_anything_starts(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A production target with impact `disrupt` is refused, and nothing is made."""
    path = written(tmp_path / "t.toml", TARGET.replace('"staging"', '"production"'))
    code, output = run("verify", "--target", path)

    assert code == 4
    assert "'disrupt' is refused for environment 'production'" in output
    assert not (tmp_path / "home" / "constat").exists()


def test_a_foreign_directory_is_left_alone(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A directory that somebody else made is neither used nor removed."""
    foreign = tmp_path / "home" / "mine"
    foreign.mkdir(parents=True)
    (foreign / "thesis.txt").write_text("years of work", "utf-8")

    for words in (("up", "--name", "mine"), ("down", "--name", "mine")):
        code, output = run(*words)
        assert code == 4, output
        assert "not made by constat" in output
    assert (foreign / "thesis.txt").read_text("utf-8") == "years of work"


def test_a_home_that_cannot_be_made_says_how_to_choose_another(run: Callable[..., tuple[int, str]]) -> None:
    """A home below a file is refused with the variable that chooses another."""
    code, output = run("up", CONSTAT_HOME="/dev/null/home")

    assert code == 4, output
    assert "CONSTAT_HOME" in output


def existing(tmp_path: Path, stack: object) -> str:
    """A target of provider `existing` with this stack file."""
    (tmp_path / "stack.json").write_text(json.dumps(stack), "utf-8")
    text = 'name = "ours"\nprovider = "existing"\nenvironment = "staging"\nimpact = "probe"\n[existing]\nstack = "stack.json"\n'
    return written(tmp_path / "t.toml", text)


def test_missing_secret_references_are_all_named(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Every variable and file that a stack file refers to and is not there is named in one message."""
    path = existing(tmp_path, {"services": {"a": "env:CONSTAT_NOT_SET", "b": "file:/nowhere/secret"}})
    code, output = run("up", "--target", path)

    assert code == 4
    assert "'CONSTAT_NOT_SET' is not set" in output
    assert "'/nowhere/secret' cannot be read" in output


def test_unreachable_endpoints_are_all_named(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Every endpoint where nothing answers is named, and nothing is remembered."""
    path = existing(tmp_path, {"services": {"a": "https://127.0.0.1:1", "b": "https://127.0.0.1:2"}})
    code, output = run("up", "--target", path, "--name", "ours")

    assert code == 4
    assert "a: nothing answers at 127.0.0.1:1" in output
    assert "b: nothing answers at 127.0.0.1:2" in output
    assert not (tmp_path / "home" / "ours").exists()


def test_the_secrets_of_a_foreign_platform_are_not_shown(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """`credentials` is refused for a platform that constat did not make."""
    assert run("up", "--target", existing(tmp_path, {}), "--name", "ours")[0] == 0
    code, output = run("credentials", "--name", "ours")

    assert code == 4
    assert "was not created by constat" in output


def test_nothing_is_planted_in_a_platform_that_is_not_disposable(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """`detect` refuses a platform that constat did not make."""
    assert run("up", "--target", existing(tmp_path, {}), "--name", "ours")[0] == 0
    code, output = run("detect", "--name", "ours")

    assert code == 4
    assert "is not disposable" in output


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root; CI runs as root")
def test_a_disk_that_is_nearly_full_is_refused(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """`up` refuses a disk without room, says how much it needs, and leaves nothing on it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", str(disk)], check=True)
    try:
        code, output = run("up", "--name", "full", CONSTAT_HOME=str(disk))
        left = [path.name for path in disk.iterdir() if not path.name.startswith(".")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)

    assert (code, left) == (4, []), output
    assert "GiB are free" in output


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="hiding a program needs root; CI runs as root")
def test_a_missing_package_names_the_command_that_installs_it(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """Without a program that the platform needs, `up` prints the one command to paste, and starts nothing."""
    del run  # the command runs where the program is hidden
    script = f"mount --bind /dev/null /usr/bin/etcd && exec {sys.executable} -m cli up --name bare"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=ROOT,
        env={**os.environ, "CONSTAT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 4, done.stderr
    assert "apt-get install -y --no-install-recommends etcd-server" in done.stderr
    assert not (tmp_path / "home" / "bare").exists()
