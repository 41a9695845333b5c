"""The suite can fail: a sample of planted defects, whose seed is printed, is noticed on the real stack."""

from __future__ import annotations

import json
import os
import random
import subprocess
from typing import TYPE_CHECKING, Final

from cli.catalogue import all_controls
from constat.outcome import Occasion
from mutants.catalogue import by_part
from tests.integration.harness import NAME, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from constat.mutant import Mutant
    from tests.integration.harness import Constat, Ended

SAMPLE: Final = 3
CHANGED: Final = 12
# Whether a slow platform is told from a slow machine depends on what else the machine does: on a
# machine that others share these end INCONCLUSIVE.  `tox -e detection` plants them on one of your own.
NEEDS_A_QUIET_MACHINE: Final = frozenset({"load"})
# There is none in the pipeline; `constat detect --target targets/viridial-kind.toml --family kubernetes` plants them.
NEEDS_A_CLUSTER: Final = frozenset({"kubernetes"})
LEFT_OUT: Final = NEEDS_A_QUIET_MACHINE | NEEDS_A_CLUSTER


def test_planted_defects_are_noticed(constat: Constat, verified: Ended) -> None:
    """One mutant of each part, mutants of what changed, and a random sample are all killed, without a false alarm."""
    seed = int(os.environ.get("CONSTAT_SEED", commit_number(ROOT)))
    chosen = sample(seed, changed_files(ROOT))
    print(f"planting {', '.join(chosen)}; the same again: CONSTAT_SEED={seed}")  # noqa: T201 - the seed must be in the log
    assert set(verified.unsettled) <= {"LOA-01"}, "the clean stack raises alarms of its own"
    ended = constat(
        "detect", "--name", NAME, "--json", "--clean", "1", *[word for mutant in chosen for word in ("--mutant", mutant)], timeout=1200
    )

    assert ended.code == 0, ended.out + ended.err
    document = json.loads(ended.out)
    assert document["clean"] == {"runs": 1, "false_alarms": []}
    assert {mutant["outcome"] for mutant in document["mutants"]} == {"killed"}
    assert {change["outcome"] for change in document["harmless"]} <= {"tolerated"}


def commit_number(root: Path) -> int:
    """A number that the commit decides, so that the same commit plants the same; the night plants all."""
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "--short=5", "HEAD"], capture_output=True, text=True, check=False)
    return int(done.stdout or "0", 16)


def test_the_sample_has_every_part_and_what_changed() -> None:
    """A sample holds a mutant of each part, and more of the one whose files changed."""
    chosen = set(sample(1, frozenset({"suites/tenancy/cache/acts.py"})))
    parts = {part: {mutant.id for mutant in known} for part, known in by_part().items()}

    assert {part for part, ids in parts.items() if ids & chosen} == set(parts) - LEFT_OUT
    assert len(parts["tenancy/cache"] & chosen) >= min(CHANGED, len(parts["tenancy/cache"]))


def sample(seed: int, changed: frozenset[str]) -> list[str]:
    """The mutants to plant: one of each part of the catalogue, a few more at random, and as many of what changed as there is time for."""
    draw = random.Random(seed)
    parts = {part: _short(known) for part, known in by_part().items() if part not in LEFT_OUT}
    chosen = {draw.choice(ids) for ids in parts.values()}
    chosen |= set(draw.sample([mutant for ids in parts.values() for mutant in ids], SAMPLE))
    touched = [mutant for part, ids in parts.items() if any(path.startswith(_places(part)) for path in changed) for mutant in ids]
    # The pipeline stays within its time: detection plants all.
    return sorted(chosen | set(draw.sample(touched, min(CHANGED, len(touched)))))


def _short(known: tuple[Mutant, ...]) -> list[str]:
    """Without those that only a drill notices, which takes minutes: detection plants them."""
    drills = {rule.id for rule in all_controls() if rule.occasion is Occasion.DRILL}
    return [mutant.id for mutant in known if not drills.issuperset(mutant.controls)]


def _places(part: str) -> tuple[str, ...]:
    own = {"chaos": ("chaos/",)}.get(part, (f"suites/{part}/",))
    return (*own, f"mutants/{part}/")


def changed_files(root: Path) -> frozenset[str]:
    """The files that the newest commit touches, and those that are not committed yet."""
    commands = (("diff", "--name-only", "HEAD~1..HEAD"), ("diff", "--name-only", "HEAD"))
    found: set[str] = set()
    for command in commands:
        done = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=False)
        found |= set(done.stdout.split()) if done.returncode == 0 else set()
    return frozenset(found)
