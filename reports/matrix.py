"""The matrix of isolation: actor, store and act, each denied, leaked or not proven; from what findings carry."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from constat.outcome import Outcome
from constat.trial import Act, Trial
from reports.run import COVERAGE, TARGET, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.finding import Finding

Word = TypeVar("Word", bound=str)

FAMILY: Final = "TEN-"
# The part of a control's id → the store that it is about; another part stands for itself.
STORES: Final = {
    "PG": "database",
    "POOL": "database",
    "API": "gateway and services",
    "SEA": "search",
    "TEL": "logs and metrics",
    "RES": "after leaving",
    "OBJ": "object store",
    "S3": "object store",
    "BRO": "broker",
    "MQ": "broker",
    "CAC": "cache",
    "KV": "secret store",
    "SEC": "secret store",
    "VAU": "secret store",
}
TENANT: Final = "tenant"
# Words by which a finding without trials says what was tried, and by whom; the first that stands in its text counts.
_ACTS: Final = {
    Act.DESTROY: r"delet\w*|drop\w*|truncat\w*|purg\w*|flush\w*|destroy\w*|remov\w*|abort\w*|unlink\w*|\w*del|expire\w*",
    Act.CHANGE: r"overwrit\w*|chang\w*|writ\w*|insert\w*|mov\w*|put\w*|updat\w*|upload\w*|publish\w*|bind\w*|declar\w*|creat\w*|alter\w*"
    r"|grant\w*|\w*set(?:nx|ex)?(?! role)|append|incr\w*|decr\w*|\w*push\w*|\w*add|renam\w*|restor\w*",
    Act.BLOCK: r"block\w*|lock\w*|exhaust\w*|throttl\w*|limit\w*|kill\w*|fill\w*|starv\w*",
    Act.IMPERSONATE: r"impersonat\w*|forg\w*|assum\w*|becom\w*|set role|presign\w*|sign\w*|log\w* in|speak\w*",
    Act.SEE: r"read\w*|see\w*|list\w*|get\w*|find\w*|know\w*|show\w*|tell\w*|enumerat\w*|consum\w*|subscrib\w*|cop(?:y|ies)|scan\w*",
}
_ACTORS: Final = {
    "login without a context": r"without a context|no context|empty context",
    "anonymous": r"anonym\w*|stranger\w*|without a (?:token|login|password)|no token",
    "former tenant": r"expired|revoked|former|stale|after leaving|offboard\w*",
    "injected SQL": r"arbitrary sql|inject\w*",
}


class State(StrEnum):
    """The three colours."""

    DENIED = "denied"
    LEAKED = "leaked"
    OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One act of one actor against one store: how often it was tried and how that ended, and which controls say so."""

    counts: Counter[State]
    controls: tuple[str, ...]

    @property
    def state(self) -> State:
        """The worst: one leak is a leak, and what is not proven is not denied."""
        return next(state for state in (State.LEAKED, State.OPEN, State.DENIED) if self.counts[state])


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a control says of its own reach: how much there is, how much of it was attacked, what was not and why."""

    store: str
    control: str
    known: object
    attacked: object
    left_out: tuple[tuple[str, str], ...]  # subject and reason


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Everything about isolation in one run."""

    cells: dict[tuple[str, str, Act], Cell]
    reach: tuple[Reach, ...]
    leaks: tuple[Finding, ...]

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Store and actor of each line, stores together."""
        return tuple(sorted({(store, actor) for store, actor, _ in self.cells}))

    def actors(self, store: str) -> int:
        """How many lines a store has."""
        return sum(one == store for one, _ in self.rows)


def matrix(findings: Iterable[Finding]) -> Matrix:
    """Make the matrix of the findings about tenants; of none it is empty."""
    found = [finding for finding in findings if finding.control.startswith(FAMILY)]
    counts: dict[tuple[str, str, Act], Counter[State]] = {}
    controls: dict[tuple[str, str, Act], set[str]] = {}
    for finding in found:
        for trial in trials(finding):
            key = (trial.store, trial.actor, trial.act)
            counts.setdefault(key, Counter())[state_of(trial.outcome)] += trial.count
            controls.setdefault(key, set()).add(finding.control)
    return Matrix(
        cells={key: Cell(counts=count, controls=tuple(sorted(controls[key]))) for key, count in counts.items()},
        reach=tuple(_reaches(found)),
        leaks=tuple(finding for finding in found if finding.outcome is Outcome.FAIL),
    )


def state_of(outcome: Outcome) -> State:
    """The colour of an outcome; a waived leak is a leak."""
    if outcome is Outcome.PASS:
        return State.DENIED
    return State.LEAKED if outcome in {Outcome.FAIL, Outcome.WAIVED} else State.OPEN


def trials(finding: Finding) -> tuple[Trial, ...]:
    """What was tried: as the finding says, or derived from its control, its subject and what it observed."""
    if finding.trials:
        return finding.trials
    if finding.subject == COVERAGE or finding.outcome is Outcome.NOT_APPLICABLE:
        return ()
    return tuple(
        Trial(actor=actor_of(how, finding), store=store_of(finding.control), act=act_of(how, finding), outcome=outcome)
        for how, outcome in _hows(finding)
    )


def store_of(control: str) -> str:
    """The store that a control is about, by its id."""
    part = control.split("-")[1]
    return STORES.get(part, part.lower())


def act_of(how: str, finding: Finding) -> Act:
    """The act that a text is about: its own first word that says so, else the claim's."""
    return _first(_ACTS, how) or _first(_ACTS, finding.title) or Act.SEE


def actor_of(how: str, finding: Finding) -> str:
    """Who acts, by the same texts; a tenant where nobody else is named."""
    return _first(_ACTORS, how) or _first(_ACTORS, finding.subject) or TENANT


def _hows(finding: Finding) -> Iterator[tuple[str, Outcome]]:
    """Each act by its own name where a finding lists them with what came back, else the finding as a whole."""
    seen = finding.observed
    if not isinstance(seen, dict) or not seen or not all(isinstance(kinds, list) for kinds in seen.values()):
        yield "" if finding.subject in {WHOLE, TARGET} else finding.subject.partition(": ")[2], finding.outcome
        return
    telling = finding.reason.partition(": ")[0]
    # A run's findings are read back from a file: what was expected may be any JSON, and only a list names what is allowed.
    allowed = set(map(str, finding.expected)) if isinstance(finding.expected, list) else set()
    for how, kinds in seen.items():
        is_refused = finding.outcome is Outcome.PASS or (how != telling and set(map(str, kinds)) <= allowed)
        yield str(how), Outcome.PASS if is_refused else finding.outcome


def _first(patterns: dict[Word, str], text: str) -> Word | None:
    found = [
        (match.start(), word) for word, pattern in patterns.items() if (match := re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE))
    ]
    return min(found, key=lambda one: one[0])[1] if found else None


def _reaches(found: list[Finding]) -> Iterator[Reach]:
    for finding in found:
        if finding.subject != COVERAGE:
            continue
        alike = [one for one in found if one.control == finding.control and one.outcome is Outcome.NOT_REVIEWED and one.subject != COVERAGE]
        left_out = tuple((one.subject, one.reason) for one in alike)
        yield Reach(
            store=store_of(finding.control),
            control=finding.control,
            known=finding.expected,
            attacked=finding.observed,
            left_out=left_out,
        )
