"""What an answer to an attack means; pure functions of what was asked and what came back."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from constat.attempt import clip
from constat.evidence import Evidence
from constat.judgement import Judgement
from constat.observe import http
from constat.outcome import Outcome, worst
from constat.trial import Act, Trial, gathered
from suites.tenancy.gateway.values import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constat.observe.http import Reply
    from suites.tenancy.gateway.request import Request
    from suites.tenancy.gateway.resident import Resident

GATEWAY: Final = "gateway and services"
# What is said of a request and not of what was asked for.
_NOISE: Final = frozenset(
    {"date", "content-length", "etag", "last-modified", "age", "connection", "keep-alive", "retry-after", "x-request-id", "server-timing"}
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_TOKEN: Final = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_FAILED: Final = 500
_ACTS: Final = {"GET": Act.SEE, "HEAD": Act.SEE, "OPTIONS": Act.SEE, "TRACE": Act.SEE, "PROPFIND": Act.SEE, "DELETE": Act.DESTROY}


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One attack: what was asked, what came back, and what came back for what exists nowhere (None: as was known before)."""

    how: str
    request: Request
    reply: Reply
    absent: Reply | None = None
    actor: str = "tenant"
    act: Act | None = None

    @property
    def kind(self) -> Act:
        """What it would have achieved."""
        return self.act or _ACTS.get(self.request.method, Act.CHANGE)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """By what somebody else's is recognised, and whose names stand for nothing when answers are compared."""

    foreign: frozenset[str]
    names: tuple[str, ...] = ()
    _pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make one pattern of all names, the longest first."""
        words = sorted({name for name in self.names if name}, key=len, reverse=True)
        pattern = "|".join(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in words)
        object.__setattr__(self, "_pattern", re.compile(pattern or r"(?!)"))

    def plain(self, text: str) -> str:
        """The text without what differs between two answers that mean the same."""
        blank = UUID.sub("«id»", _TIME.sub("«time»", _TOKEN.sub("«token»", text)))
        return self._pattern.sub("«it»", blank)


def marks(mine: Resident, theirs: Resident, absent: Resident) -> Marks:
    """How to read answers that one tenant gets."""
    names = [name for one in (theirs, absent) for name in (one.tenant, one.organization_id, one.user, *one.places.values())]
    told = [value for one in (theirs, absent) for value in one.told.values()]
    used = [value for one in (theirs, absent) for value in one.handles.values()]
    return Marks(foreign=theirs.marks - mine.marks, names=(*names, *told, *used))


def leaks(request: Request, reply: Reply, foreign: frozenset[str]) -> tuple[str, ...]:
    """Whose marks an answer shows that the client had not sent itself."""
    shown = (reply.text + "\n" + "\n".join(reply.headers.values())).lower()
    sent = request.sent.lower()
    return tuple(sorted(mark for mark in foreign if mark.lower() in shown and mark.lower() not in sent))


def alike(one: Reply, other: Reply, known: Marks, word: str) -> bool:
    """Whether two answers mean the same to somebody who compares them; `word` begins the client's own texts."""
    return _meaning(one, known, word) == _meaning(other, known, word)


def _meaning(reply: Reply, known: Marks, word: str) -> tuple[object, ...]:
    body = re.sub(rf"{re.escape(word)}x[0-9a-f]{{4}}", "«word»", reply.text)
    headers = {name: known.plain(value) for name, value in reply.headers.items() if name not in _NOISE}
    return reply.status, known.plain(body), sorted(headers.items())


def outcome_of(tried: Tried, known: Marks, word: str) -> tuple[Outcome, str]:
    """How one attack ended, and why."""
    if shown := leaks(tried.request, tried.reply, known.foreign):
        return Outcome.FAIL, f"answered {tried.reply.status} with what is another tenant's: {', '.join(shown[:3])}"
    if tried.reply.status == http.TOO_MANY:
        return Outcome.ERROR, "asked too often: the answer says nothing about tenants"
    if tried.absent is not None and not alike(tried.reply, tried.absent, known, word):
        return Outcome.FAIL, f"what is another tenant's is answered {_said(tried.reply)}, what exists nowhere {_said(tried.absent)}"
    if tried.reply.status >= _FAILED and tried.reply.status not in {501, 505}:
        return Outcome.ERROR, f"neither a leak nor a refusal: {_said(tried.reply)}"
    return Outcome.PASS, "refused" if not tried.reply.is_success else "answered with one's own"


def judged(
    subject: str,
    tries: Sequence[Tried],
    known: Marks,
    *,
    word: str,
    twin: str,
    changed: Iterable[str] = (),
    suspects: Sequence[Tried] = (),
    base: str = "",
    store: str = GATEWAY,
) -> Judgement:
    """One judgement of all attacks on a subject: as good as the worst of them, and no better than what the oracle saw."""
    ended = [(one, *outcome_of(one, known, word)) for one in tries]
    worst_outcome = worst(outcome for _, outcome, _ in ended)
    telling = next(((one, why) for one, outcome, why in ended if outcome is worst_outcome), None)
    altered = sorted(changed)
    trials = gathered(Trial(actor=one.actor, store=store, act=one.kind, outcome=outcome) for one, outcome, _ in ended)
    if altered:
        worst_outcome, telling = Outcome.FAIL, (suspects[0], "the oracle saw the change after it") if suspects else telling
        trials = (*trials, Trial(actor="tenant", store=store, act=Act.CHANGE, outcome=Outcome.FAIL))
    reason = _reason(worst_outcome, telling, altered, len(tries))
    return Judgement(
        subject=subject,
        outcome=worst_outcome,
        reason=reason,
        expected={"as for what exists nowhere": len(tries)},
        observed=dict(Counter(f"http {one.reply.status}" for one in tries).most_common()),
        positive_control=twin,
        evidence=evidence(telling[0], reason, base) if telling and worst_outcome is not Outcome.PASS else (),
        trials=gathered(trials),
    )


def _reason(outcome: Outcome, telling: tuple[Tried, str] | None, altered: Sequence[str], count: int) -> str:
    if altered:
        how = f" after: {telling[0].how}" if telling else ""
        return f"the oracle sees that the other tenant's {', '.join(altered)} changed{how}"
    if telling is None:
        return "nothing was tried"
    return f"{count} attacks came to nothing" if outcome is Outcome.PASS else f"{telling[0].how}: {telling[1]}"


def _said(reply: Reply) -> str:
    return f"{reply.status} {clip(reply.text)[:160]}".strip()


def evidence(tried: Tried, reason: str, base: str) -> tuple[Evidence, ...]:
    """A reproduction to paste, without a secret, and the answer as it came."""
    token = "$TOKEN" if tried.actor != "anonymous" else ""
    lines = [f"# {tried.how}: {reason}", f"# TOKEN is the attacking tenant's own; BASE is the address of {base}"]
    lines += ["# every token and password was left out", tried.request.curl(token)]
    shown = [f"{tried.reply.status}", *(f"{name}: {value}" for name, value in tried.reply.headers.items()), "", tried.reply.text]
    return (
        Evidence(name="reproduction.sh", content="\n".join(lines) + "\n"),
        Evidence(name="answer.txt", content="\n".join(shown)),
    )
