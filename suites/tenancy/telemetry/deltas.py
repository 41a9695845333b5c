"""Deltas: a number that everybody can read, and that goes on whenever another tenant works, tells that it does."""

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

ROUNDS: Final = 3  # looks without the other tenant's work, and as many with it, in turn
_SAMPLE: Final = re.compile(r"(?m)^([a-zA-Z_:][\w:]*(?:\{[^}]*\})?)\s+([-+.\deE]+|NaN)(?:\s+\d+)?$")
_NUMBER: Final = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w.-])")


def numbers(text: str) -> dict[str, float]:
    """Every number of a page by what it is called: a sample of Prometheus' format, else the words before it."""
    if samples := {name: float(value) for name, value in _SAMPLE.findall(text)}:
        return samples
    found: dict[str, float] = {}
    last = 0
    for place, match in enumerate(_NUMBER.finditer(text)):
        found[f"{place} {text[last : match.start()][-60:]}"] = float(match[0])
        last = match.end()
    return found


def watched(look: Callable[[], Page], work: Callable[[], None]) -> tuple[Page, ...]:
    """Looks at a page: one at first, then quietly and after the other tenant's work in turn."""
    looks = [look()]
    for _ in range(ROUNDS):
        looks.append(look())
        work()
        looks.append(look())
    return tuple(looks)


def telling(looks: Sequence[Page]) -> tuple[str, ...]:
    """What goes on by one step as long as nobody works, and by another each time that the other tenant has worked."""
    found = []
    for name in looks[0]:
        values = [look.get(name) for look in looks]
        if any(value is None or math.isnan(value) for value in values):  # gone, or no number
            continue
        steps = [after - before for before, after in itertools.pairwise(float(value) for value in values if value is not None)]
        quiet, by_work = set(steps[::2]), set(steps[1::2])
        if len(quiet) == 1 and not quiet & by_work:
            found.append(name)
    return tuple(found)


def judge(subject: str, found: Mapping[str, tuple[str, ...]], *, pages: int, worked: int) -> Judgement:
    """FAIL with each page and number that tells; ERROR when the other tenant did nothing."""
    wrong = [f"{page}: {name}" for page, names in found.items() for name in names]
    outcome = Outcome.FAIL if wrong else Outcome.PASS if worked else Outcome.ERROR
    reason = f"no number of {pages} pages goes on with another tenant's work"
    if wrong:
        reason = f"{len(wrong)} numbers tell when another tenant works: {', '.join(wrong[:3])}; let the page be read by operators only"
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
