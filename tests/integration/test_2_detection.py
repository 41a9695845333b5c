"""The suite can fail: a sample of planted defects, whose seed is printed, is noticed on the real stack."""

from __future__ import annotations

import json
import os
import random
import subprocess
from typing import TYPE_CHECKING, Final

from mutants.catalogue import by_id
from tests.integration.harness import NAME, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.harness import Constat, Ended

SAMPLE: Final = 5
# Whether a slow platform is told from a slow machine depends on what else the machine does: on a
# machine that others share these end INCONCLUSIVE.  `tox -e detection` plants them on one of your own.
NEEDS_A_QUIET_MACHINE: Final = frozenset({"load"})


def test_planted_defects_are_noticed(constat: Constat, verified: Ended) -> None:
    """The mutants of what changed, one of each family, and a random sample are all killed, without a false alarm."""
    seed = int(os.environ.get("CONSTAT_SEED", random.SystemRandom().randrange(10**6)))
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


def test_the_sample_has_every_family_and_what_changed() -> None:
    """A sample holds a mutant of each family, and every mutant of a file that changed."""
    changed = frozenset({"suites/tenancy/postgres/acts.py"})
    chosen = sample(1, changed)

    assert {by_id()[mutant].family for mutant in chosen} == {mutant.family for mutant in by_id().values()} - NEEDS_A_QUIET_MACHINE
    assert {mutant for mutant in by_id() if mutant.startswith("MUT-TEN-PG-")} <= set(chosen)


def sample(seed: int, changed: frozenset[str]) -> list[str]:
    """The mutants to plant: of what changed, one a family, and a few more at random."""
    draw, known = (
        random.Random(seed),
        [mutant for mutant in by_id().values() if mutant.family not in NEEDS_A_QUIET_MACHINE],
    )
    families = sorted({mutant.family for mutant in known})
    chosen = {draw.choice([mutant.id for mutant in known if mutant.family == family]) for family in families}
    chosen |= {mutant.id for mutant in draw.sample(known, min(SAMPLE, len(known)))}
    touched = {family for family in families if any(path.startswith(_places(family)) for path in changed)}
    # With several families changed the pipeline stays within its time: detection plants all.
    if len(touched) == 1:
        chosen |= {mutant.id for mutant in known if mutant.family in touched}
    return sorted(chosen)


def _places(family: str) -> tuple[str, ...]:
    own = {"chaos": ("chaos/",), "load": ("load/",)}.get(family, (f"suites/{family}/",))
    return (*own, f"mutants/{family}")


def changed_files(root: Path) -> frozenset[str]:
    """The files that the newest commit touches, and those that are not committed yet."""
    commands = (("diff", "--name-only", "HEAD~1..HEAD"), ("diff", "--name-only", "HEAD"))
    found: set[str] = set()
    for command in commands:
        done = subprocess.run(["git", "-C", str(root), *command], capture_output=True, text=True, check=False)
        found |= set(done.stdout.split()) if done.returncode == 0 else set()
    return frozenset(found)
