"""Caches: what was answered to one tenant is kept for that tenant alone, on the whole way."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, compare, coverage
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.gateway import attack, judging, pointing
from suites.tenancy.gateway.resident import fresh
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.test_tokens import leads
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.observe.http import Reply
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.request import Request
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage

NEEDS: Final = ("gateway", "services", "tenants")
_MAKES: Final = frozenset({"POST", "PUT", "PATCH"})
# What servers know a request again by, to answer it as they did before.
_KEYS: Final = ("Idempotency-Key", "X-Idempotency-Key", "X-Request-ID", "X-Correlation-ID")
_LONG_AGO, _SOON = "Thu, 01 Jan 1998 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
# RFC 9111, 3.5: what makes an answer to a request with a token fit for everybody's cache.
_SHARED: Final = frozenset({"public", "s-maxage", "must-revalidate"})


@control(
    "TEN-API-04",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.gateway",),
    refs=("OWASP API1:2023", "RFC 9111 3.5", "ISO 27001 A.8.3", "CWE-524"),
    remediation="Put the tenant of the verified token into every cache key and every entity tag.",
)
def test_nothing_kept_for_one_tenant_is_given_to_another(stage: Stage, findings: Findings) -> None:
    """What one tenant has just been answered is not answered to another, whole, in part or by a condition, in either order."""
    findings.judge(itertools.chain(_judged(stage), _replayed(stage)))


@control(
    "TEN-API-07",
    severity=Severity.MEDIUM,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=("isolation.gateway",),
    refs=("RFC 9111 3.5", "OWASP ASVS 8.2.1", "CWE-525"),
    remediation="Answer what is a tenant's with Cache-Control: no-store, or private.",
)
def test_no_shared_cache_may_keep_what_is_a_tenants(stage: Stage, findings: Findings) -> None:
    """No answer to a tenant's token allows a cache that others share to keep it."""
    findings.judge(_kept(stage))


def readable(stage: Stage) -> Iterator[tuple[Way, Door]]:
    """Every operation that only looks and asks for a token, at every door that leads to it."""
    for way in stage.ways:
        if way.method == "GET" and not way.public:
            yield from ((way, door) for door in stage.doors(way) if leads(way, door, stage))


def _replayed(stage: Stage) -> Iterator[Judgement]:
    """Every operation that makes something, asked with the key under which the victim has just been answered."""
    for way in stage.ways:
        if way.method not in _MAKES or way.public or "application/json" not in way.media:
            continue
        for door in (door for door in stage.doors(way) if leads(way, door, stage)):
            subject = f"{door.name} {way} with their key"
            try:
                yield _again(stage, way, door, subject)
            except Unmakeable as problem:
                yield Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"no request could be made: {problem}")
            except Unobservable as problem:
                yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")


def _again(stage: Stage, way: Way, door: Door, subject: str) -> Judgement:
    tries, known = [], judging.marks(stage.mine, stage.theirs, stage.absent)
    for name in _KEYS:
        key = str(uuid.uuid4())
        first = _served(door, _saying(own(way, stage.theirs), (name, key)), stage.theirs.token)
        mine = _saying(own(way, stage.mine), (name, key))
        reply = attack.refused(door, mine, stage.mine.token)
        fresh_key = attack.refused(door, _saying(own(way, stage.mine), (name, str(uuid.uuid4()))), stage.mine.token)
        is_own = reply.status == fresh_key.status and not judging.leaks(mine, reply, known.foreign)
        tries.append(judging.Tried(how=f"{name} of theirs", request=mine, reply=reply, absent=reply if is_own else fresh_key))
    return judging.judged(
        subject, tries, known, word=stage.mine.canary, twin=f"the owner, with the same key: http {first.status}", base=door.name
    )


def _judged(stage: Stage) -> Iterator[Judgement]:
    tried, known = set(), {way for way in stage.ways if way.method == "GET" and not way.public}
    for way, door in readable(stage):
        subject = f"{door.name} {way}"
        try:
            yield _crossed(stage, way, door, subject)
            tried.add(way)
        except Unmakeable as problem:
            yield Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"no request could be made: {problem}")
        except Unobservable as problem:
            yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    yield coverage(len(tried), len(known), what="operations that look", left_out=tuple(str(way) for way in known - tried))


def _crossed(stage: Stage, way: Way, door: Door, subject: str) -> Judgement:
    theirs, mine, known = stage.theirs, stage.mine, judging.marks(stage.mine, stage.theirs, stage.absent)
    asked = own(way, theirs)
    first = _served(door, asked, theirs.token)
    tries = []
    for how, extra in conditions(first):
        # Asked by its owner just before, so that whatever is kept on the way is warm.
        _served(door, asked, theirs.token)
        reply = attack.refused(door, _saying(asked, *extra), mine.token)
        nothing = pointing.aimed(way, _elsewhere(stage, asked), stage.absent)
        absent = attack.refused(
            door,
            _saying(nothing, *((name, fresh(value) if value == first.headers.get("etag") else value) for name, value in extra)),
            mine.token,
        )
        tries.append(judging.Tried(how=how, request=_saying(asked, *extra), reply=reply, absent=absent))
    tries += _poisoned(stage, way, door)
    return judging.judged(subject, tries, known, word=mine.canary, twin=f"the owner, just before: http {first.status}", base=door.name)


def conditions(first: Reply) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """The same question, plain, and as somebody asks who wants a copy that is kept somewhere."""
    yield "the same question", ()
    if tag := first.headers.get("etag"):
        yield "with their entity tag", (("If-None-Match", tag),)
        yield "with their entity tag, weakly", (("If-None-Match", tag if tag.startswith("W/") else f"W/{tag}"),)
        yield "only if it is theirs", (("If-Match", tag),)
        yield "a part, if it is theirs", (("If-Range", tag), ("Range", "bytes=0-63"))
    yield "unless there is none", (("If-None-Match", "*"),)
    yield "if it changed since 1998", (("If-Modified-Since", _LONG_AGO),)
    yield "if it will change", (("If-Modified-Since", _SOON),)
    yield "the first bytes", (("Range", "bytes=0-63"),)
    yield "from a cache alone", (("Cache-Control", "only-if-cached"),)
    yield "from a cache, however old", (("Cache-Control", "max-stale=31536000"),)


def _poisoned(stage: Stage, way: Way, door: Door) -> Iterator[judging.Tried]:
    """The attacker asks first, and says that it is somebody else; the victim must get what is its own, and not the attacker's."""
    theirs, mine = stage.theirs, stage.mine
    names = (
        ("X-Tenant-ID", theirs.tenant),
        ("X-Organization-ID", theirs.organization_id),
        ("X-Forwarded-Host", f"{theirs.tenant}.viridial"),
    )
    mine_first = own(way, mine)
    for how, extra in (("attacker first", ()), *((f"attacker first, with {name}", ((name, value),)) for name, value in names)):
        attack.refused(door, _saying(mine_first, *extra), mine.token)
        asked = own(way, theirs)
        reply = _served(door, asked, theirs.token)
        # Seen from the victim's side: what it gets must hold nothing of the attacker's.
        shown = judging.leaks(asked, reply, mine.marks - theirs.marks)
        if shown:
            yield judging.Tried(how=how, request=asked, reply=reply, absent=dataclasses.replace(reply, status=0))


def _served(door: Door, request: Request, token: str) -> Reply:
    reply = attack.refused(door, request, token)
    if not reply.is_success:
        msg = f"the owner's own request is answered {reply.status}: {reply.text[:120]}"
        raise Unobservable(msg)
    return reply


def _elsewhere(stage: Stage, asked: Request) -> Request:
    """The question about what nobody has: another word where the victim's own was asked for."""
    word = stage.theirs.words[0] if stage.theirs.words else stage.theirs.canary
    return dataclasses.replace(
        asked, query=tuple((name, stage.absent.canary + "x0000" if value == word else value) for name, value in asked.query)
    )


def _saying(base: Request, *pairs: tuple[str, str]) -> Request:
    return dataclasses.replace(base, headers=(*base.headers, *pairs))


def _kept(stage: Stage) -> Iterator[Judgement]:
    for way, door in readable(stage):
        subject = f"{door.name} {way}"
        try:
            reply = _served(door, own(way, stage.mine), stage.mine.token)
        except (Unobservable, Unmakeable) as problem:
            yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
            continue
        reason = f"Cache-Control is {reply.headers.get('cache-control')!r}: whoever keeps answers on the way may give it to anybody"
        yield compare(subject, expected=[], observed=shareable(reply.headers.get("cache-control", "")), reason=reason)


def shareable(header: str) -> list[str]:
    """What in a Cache-Control header lets a shared cache keep an answer to a request with a token."""
    words = {word.strip().partition("=")[0].lower() for word in header.split(",")}
    return sorted(words & _SHARED) if not words & {"private", "no-store"} else []
