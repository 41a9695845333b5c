"""Runs: their ids, their directories below out/, and which one is the latest."""

from __future__ import annotations

import datetime
import json
import secrets
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from cli.options import ROOT, RUNS
from constat.errors import UserError

LATEST = "latest"


def new_run(kind: str = "") -> Path:
    """Make the directory of a new run; its id sorts by time."""
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    run_id = "-".join(part for part in (stamp, kind, secrets.token_hex(2)) if part)
    directory = RUNS / run_id
    directory.mkdir(parents=True)
    document = {"command": shown_command(), "constat_version": version("constat"), "git_commit": _commit()}
    (directory / "command.json").write_text(json.dumps(document, indent=1), "utf-8")
    return directory


def point_latest(directory: Path) -> None:
    """Make out/latest mean this run."""
    part = RUNS / f".{LATEST}.{directory.name}"
    part.symlink_to(directory.name)
    part.replace(RUNS / LATEST)


def find_run(word: str) -> Path:
    """The directory of a run by its id, path, or `latest`; UserError when there is none."""
    for candidate in (RUNS / word, Path(word)):
        if candidate.is_dir():
            return candidate.resolve()
    known = ", ".join(path.name for path in all_runs()[-5:]) or "none"
    msg = f"no run {word!r} (the last ones: {known}); give a run id, a directory, or `latest`"
    raise UserError(msg)


def all_runs() -> list[Path]:
    """Every run, the oldest first."""
    if not RUNS.is_dir():
        return []
    return sorted(path for path in RUNS.iterdir() if path.is_dir() and not path.is_symlink() and (path / "command.json").exists())


def previous_run(directory: Path) -> Path | None:
    """The run before this one that verified the same target with a whole selection, or None."""
    earlier = [path for path in all_runs() if path.name < directory.name and (path / "summary.json").exists()]
    same = [path for path in earlier if _target(path) == _target(directory)]
    return same[-1] if same else None


def remove_run(directory: Path) -> None:
    """Delete a run, and `latest` when it meant it."""
    latest = RUNS / LATEST
    if latest.is_symlink() and latest.resolve() == directory.resolve():
        latest.unlink()
    shutil.rmtree(directory)


def shown_command() -> str:
    """The command line as one would type it again."""
    return " ".join(["constat", *sys.argv[1:]])


def _target(directory: Path) -> object:
    return json.loads((directory / "plan.json").read_text("utf-8")).get("target") if (directory / "plan.json").exists() else None


def _commit() -> str | None:
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None
