"""Every mutant and harmless change of the database's isolation on one scratch cluster, in this process.

`python -m bench.detection [ID]...` plants each, runs its controls, takes it away and compares the fingerprint.
It is a quick look while a suite is being written; what counts is `constat detect`.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import psycopg

from bench import controls, scratch
from mutants.catalogue import by_id

if TYPE_CHECKING:
    from constat.mutant import Mutant
    from constat.stack import Stack

# A scratch cluster has no pooler.
ELSEWHERE: Final = frozenset({"TEN-PG-12"})


def main(ids: list[str]) -> None:
    """Plant, look, revert; print one line each and a summary."""
    chosen = [m for m in by_id().values() if "-TEN-PG-" in m.id and (not ids or m.id in ids)]
    chosen = [m for m in chosen if set(m.controls) - ELSEWHERE]
    good = 0
    with scratch.cluster() as stack:
        for mutant in chosen:
            good += detected(mutant, stack)
    print(f"{good} of {len(chosen)} as expected")


def detected(mutant: Mutant, stack: Stack) -> bool:
    """Whether the controls said what the mutant expects; prints what they said."""
    start, before = time.monotonic(), mutant.fingerprint(stack)
    try:
        mutant.plant(stack, {})
        if not mutant.confirm(stack, {}):
            print(f"{mutant.id} not planted")
            return False
        said, _ = controls.run(stack, scratch.target(), only=frozenset(mutant.controls) - ELSEWHERE)
    except psycopg.Error as problem:
        print(f"{mutant.id} not planted: {problem}")
        return False
    finally:
        mutant.revert(stack, {})
    if before != mutant.fingerprint(stack):
        print(f"{mutant.id} NOT REVERTED")
    alarms = [one for one in said if not one.outcome.is_settled]
    by = [one for one in said if one.outcome is mutant.expects]
    fine = not alarms if mutant.is_harmless else bool(by)
    shown = alarms if mutant.is_harmless else said
    print(f"{'ok ' if fine else 'BAD'} {mutant.id} {time.monotonic() - start:.1f} s  {mutant.title}", flush=True)
    for one in shown if not fine else by[:1]:
        print(f"      {one.control} {one.outcome}: {one.reason[:220]}", flush=True)
    return fine


if __name__ == "__main__":
    main(sys.argv[1:])
