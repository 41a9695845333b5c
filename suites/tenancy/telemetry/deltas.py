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
    Looks = tuple[tuple[str, Page], ...]

MINE, THEIRS, _QUIET = "mine", "theirs", "quiet"
ORDER: Final = (_QUIET, MINE, THEIRS) * 3
# Once more in no regular order, for what looked telling: what goes on by a clock of its own does not keep to it.
AGAIN: Final = (
    *(THEIRS, _QUIET, MINE, THEIRS, THEIRS, _QUIET, _QUIET, MINE, MINE, THEIRS),
    *(_QUIET, THEIRS, MINE, _QUIET, MINE, THEIRS, THEIRS, MINE, THEIRS, _QUIET),
)
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


def watched(look: Callable[[], Page], works: Mapping[str, Callable[[], None]], order: Sequence[str]) -> Looks:
    """A page at first, and after each work in order; a word that is no work is a quiet look."""
    looks = [("first", look())]
    for word in order:
        if word in works:
            works[word]()
        looks.append((word, look()))
    return tuple(looks)


def telling(looks: Looks) -> tuple[str, ...]:
    """What goes on by another step each time that the other tenant has worked, and not for one's own work of the same kind.

    A number that counts everybody's work goes on with one's own too, and does not say whose it was.
    """
    found = []
    for name in sorted({name for _, page in looks for name in page}):
        values = [page.get(name, 0.0) for _, page in looks]
        if any(map(math.isnan, values)):
            continue
        steps = [after - before for before, after in itertools.pairwise(values)]
        by_theirs = {step for step, (word, _) in zip(steps, looks[1:], strict=True) if word == THEIRS}
        others = {step for step, (word, _) in zip(steps, looks[1:], strict=True) if word != THEIRS}
        if len(others) == 1 and by_theirs and not others & by_theirs:
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
