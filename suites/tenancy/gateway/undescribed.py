"""Operations that nobody describes: what developers leave beside the documents, and other ways in, tried with a tenant's token."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import re
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.observe import http
from constat.outcome import Outcome
from constat.trial import Act, Trial
from suites.tenancy.gateway import judging
from suites.tenancy.gateway.attack import refused
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import PLACE, own
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constat.observe.http import Reply
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage

# What developers call an operation that is only for now, or only for themselves.
_TAILS: Final = (
    *("all", "export", "download", "dump", "report", "stats", "count", "summary", "recent", "latest", "feed", "sync", "backup", "archive"),
    *("internal", "admin", "debug", "test", "raw", "list", "find", "by-organization", "by-tenant", "organizations", "tenants", "_search"),
)
# Other ways in to the same services.
_ENTRANCES: Final = (
    *("partner", "partners", "internal", "legacy", "old", "public", "admin", "debug", "proxy", "support", "mobile", "beta", "test"),
    *("v1", "v2", "staging", "webhook", "webhooks", "integration", "backend", "direct", "private", "edge", "export"),
)


AT_ONCE: Final = 4


def attacked(stage: Stage, doors: Iterable[Door], canaries: int) -> Iterator[Judgement]:
    """Every door: FAIL where an answer shows what is another tenant's, NOT_REVIEWED where something answers that nobody describes.

    `canaries` is how many of the victim's the oracle sees: without one there is nothing to be shown.
    """
    undescribed = list({one.line: one for one in beside(stage.ways, requests(stage.ways, stage.mine, stage.theirs))}.values())
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="undescribed") as pool:
        yield from pool.map(lambda door: _attacked(stage, door, undescribed, canaries), doors)


def _attacked(stage: Stage, door: Door, asked: Sequence[Request], canaries: int) -> Judgement:
    subject = f"{door.name} paths that nobody describes"
    try:
        tried = [(request, refused(door, request, stage.mine.token)) for request in asked]
    except Unobservable as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return judge(subject, tried, foreign=stage.theirs.marks - stage.mine.marks, canaries=canaries)


def beside(ways: Sequence[Way], asked: Iterable[Request]) -> Iterator[Request]:
    """Those requests whose path no operation describes."""
    known = re.compile("|".join(PLACE.sub("[^/]+", way.path).rstrip("/") + "/?" for way in ways) or r"(?!)")
    yield from (request for request in asked if not known.fullmatch(request.line.partition("?")[0]))


def requests(ways: Sequence[Way], mine: Resident, theirs: Resident) -> Iterator[Request]:
    """Paths beside the described ones, with the victim's ids behind them, and the described ones by other ways in."""
    collections = dict.fromkeys(way.path.partition("{")[0].rstrip("/") for way in ways if not way.public)
    ids = tuple(dict.fromkeys(("", theirs.organization_id, theirs.tenant, *list(theirs.places.values())[:1])))
    for collection, tail, identifier in itertools.product(collections, _TAILS, ids):
        yield Request(method="GET", path=f"{collection}/{tail}/{identifier}".rstrip("/"))
    for asked, entrance in itertools.product(_looks(ways, mine), _ENTRANCES):
        for path in dict.fromkeys((asked.path, re.sub(r"^/api(?=/)", "", asked.path))):
            yield Request(method="GET", path=f"/{entrance}{path}", places=asked.places, query=asked.query)


def _looks(ways: Sequence[Way], mine: Resident) -> Iterator[Request]:
    for way in ways:
        if way.method == "GET" and not way.public:
            with contextlib.suppress(Unmakeable):  # the operation itself is said to be out of reach where it is attacked
                yield own(way, mine)


def judge(subject: str, tried: Sequence[tuple[Request, Reply]], *, foreign: frozenset[str], canaries: int) -> Judgement:
    """The worst of what came back; a pure function of it."""
    leaks = [(request, reply) for request, reply in tried if judging.leaks(request, reply, foreign)]
    open_ones = [request.line for request, reply in tried if reply.status in http.SUCCESS]
    outcome, reason = Outcome.PASS, f"{len(tried)} paths show nothing of another tenant's"
    if leaks:
        shown = judging.leaks(*leaks[0], foreign)
        outcome, reason = (
            Outcome.FAIL,
            f"{leaks[0][0].line} answers {leaks[0][1].status} with what is another tenant's: {', '.join(shown[:3])}",
        )
    elif not canaries:
        outcome, reason = Outcome.ERROR, "the oracle sees nothing of the victim's: nothing is there to be shown"
    elif open_ones:
        outcome, reason = (
            Outcome.NOT_REVIEWED,
            f"answers, and nobody describes it: {', '.join(open_ones[:5])}; describe it in OpenAPI, or remove it",
        )
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=[request.line for request, _ in leaks] or open_ones,
        positive_control=f"the oracle sees {canaries} canaries of the victim's",
        trials=(Trial(actor="tenant", store=judging.GATEWAY, act=Act.SEE, outcome=outcome, count=len(tried)),),
    )
