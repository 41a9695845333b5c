"""Deltas: a number that everybody can read, and that goes on when another tenant works but not when oneself does, tells of it."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.outcome import Outcome
from constat.trial import Act, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Page = Mapping[str, float]

ROUNDS: Final = 3  # of a quiet look, one after one's own work, and one after the other tenant's
_SAMPLE: Final = re.compile(r"(?m)^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?)\s+([-+.\deE]+|NaN)(?:\s+\d+)?$")
# How long something took decides which of a histogram's buckets is counted; its whole count is there too.
_BUCKET: Final = re.compile(r"\w+_bucket\{")
_NUMBER: Final = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-])")


def numbers(text: str) -> dict[str, float]:
    """Every number of a page by what it is called: a sample of Prometheus' format, else the words before it."""
    if samples := {name: float(value) for name, value in _SAMPLE.findall(text) if not _BUCKET.match(name)}:
        return samples
    found: dict[str, float] = {}
    last = 0
    for place, match in enumerate(_NUMBER.finditer(text)):
        found[f"{place} {text[last : match.start()][-60:]}"] = float(match[0])
        last = match.end()
    return found


def watched(look: Callable[[], Page], mine: Callable[[], None], theirs: Callable[[], None]) -> tuple[Page, ...]:
    """Looks at a page: one at first, then quietly, after one's own work and after the same of the other tenant's, in turn."""
    looks = [look()]
    for _ in range(ROUNDS):
        looks.append(look())
        mine()
        looks.append(look())
        theirs()
        looks.append(look())
    return tuple(looks)


def telling(looks: Sequence[Page]) -> tuple[str, ...]:
    """What goes on by another step each time that the other tenant has worked, and not for one's own work of the same kind.

    A number that counts everybody's work goes on with one's own too, and does not say whose it was.
    """
    found = []
    for name in sorted({name for look in looks for name in look}):
        values = [look.get(name, 0.0) for look in looks]
        if any(map(math.isnan, values)):
            continue
        steps = [after - before for before, after in itertools.pairwise(values)]
        unworked, by_theirs = {*steps[::3], *steps[1::3]}, set(steps[2::3])
        if len(unworked) == 1 and not unworked & by_theirs:
            found.append(name)
    return tuple(found)


def judge(subject: str, found: Mapping[str, Sequence[str]], *, pages: int, worked: int) -> Judgement:
    """FAIL with each page and number that tells; ERROR when the other tenant did nothing."""
    wrong = [f"{page}: {name}" for page, names in found.items() for name in names]
    outcome = Outcome.FAIL if wrong else Outcome.PASS if worked else Outcome.ERROR
    reason = f"no number of {pages} pages goes on with another tenant's work alone"
    if wrong:
        reason = f"{len(wrong)} numbers go on with another tenant's work and not with one's own: {', '.join(wrong[:3])}"
    elif not worked:
        reason = "the other tenant did nothing, so nothing could be told of it"
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=wrong[:20],
        positive_control=f"the other tenant asked {worked} times between the looks",
        trials=(Trial(actor="anonymous", store="metrics and traces", act=Act.SEE, outcome=outcome, count=max(1, pages)),),
    )
