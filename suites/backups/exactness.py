"""Whether a restore is exact on both sides: everything up to the target is there, and nothing after it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.judgement import Judgement
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constat.entries import Entry
    from constat.finding import Json


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a tenant was told is written, before and after the target."""

    tenant: str
    before: tuple[Entry, ...]
    after: tuple[Entry, ...]


def judge(written: Written, restored: Sequence[Entry]) -> Judgement:
    """Compare a tenant's rows with what it was told; a pure function."""
    counts = Counter(restored)
    expected, later = set(written.before), set(written.after)
    seen = {
        "rows": len(restored),
        "missing before the target": len(expected - set(counts)),
        "there from after the target": len(later & set(counts)),
        "there and never written so": len(set(counts) - expected - later),
        "there more than once": sum(number > 1 for number in counts.values()),
    }
    wanted = dict.fromkeys(seen, 0) | {"rows": len(expected)}
    vacuous = not expected or not later
    return Judgement(
        subject=f"tenant {written.tenant}",
        outcome=Outcome.ERROR if vacuous else Outcome.PASS if seen == wanted else Outcome.FAIL,
        reason=_reason(seen, wanted, vacuous=vacuous),
        expected=wanted,
        observed=seen,
        positive_control=f"{len(written.before)} rows acknowledged before the target, {len(written.after)} after it",
    )


def reconciliation(written: Written, restored: Sequence[Entry]) -> Json:
    """A tenant's line in the report: rows and their digest as they should be and as they are; a pure function."""
    return {
        "tenant": written.tenant,
        "outcome": judge(written, restored).outcome,
        "expected": {"rows": len(written.before), "sha256": digest(written.before)},
        "restored": {"rows": len(restored), "sha256": digest(restored)},
    }


def digest(rows: Iterable[Entry]) -> str:
    """The SHA-256 over the digests of the rows, in the order of their writers and numbers."""
    ordered = sorted(rows, key=lambda row: row.key)
    return hashlib.sha256("".join(f"{row.writer}/{row.seq} {row.payload_hash}\n" for row in ordered).encode()).hexdigest()


def _reason(seen: dict[str, int], wanted: dict[str, int], *, vacuous: bool) -> str:
    if vacuous:
        return "nothing was written on one side of the target, so nothing was compared"
    if seen == wanted:
        return f"exactly the {seen['rows']} rows from before the target"
    return ", ".join(f"{number} {what}" for what, number in seen.items() if number != wanted[what] and what != "rows")
