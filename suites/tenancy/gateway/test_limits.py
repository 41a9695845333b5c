"""Limits: what one tenant has used up is that tenant's, and nobody can use up another's or borrow one."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final, Protocol

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement
from constat.observe import http
from constat.outcome import Impact, Outcome, Severity
from constat.trial import Act, Trial
from suites.security.strangers import web
from suites.tenancy.gateway.judging import GATEWAY
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.stage import signed_in
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from constat.stack import Stack
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.stage import Stage

# What is asked to see whether somebody is limited; a larger limit than this cannot be reached in a run.
_LOOKS: Final = 8
_REACHABLE: Final = 1000
_BURST: Final = 200
_PAUSE: Final = 25


class Guests(Protocol):
    """Tenants of a moment."""

    def welcome(self, *, plan: str) -> tuple[str, Stack]:
        """Onboard a tenant in every store; its name, and the handle with it."""


@control(
    "TEN-API-05",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants"),
    promises=("isolation.gateway",),
    refs=("OWASP API4:2023", "ISO 27001 A.8.6", "CWE-770", "CWE-290"),
    remediation="Count requests by the organization of the verified token, and by nothing that a client can say or share.",
)
def test_one_tenants_limit_is_its_own(stage: Stage, guests: Guests, smallest_plan: tuple[str, int], findings: Findings) -> None:
    """One tenant's limit is used up by no other's requests, whatever they name, and a tenant that is limited borrows no other's."""
    plan, limit = smallest_plan
    if limit > _REACHABLE:
        reason = f"the smallest plan allows {limit} requests a minute, more than a run can send"
        findings.judge([Judgement(subject=plan, outcome=Outcome.NOT_REVIEWED, reason=reason)])
        return
    greedy, modest = (_guest(guests, plan) for _ in range(2))
    findings.judge(_judged(stage, greedy, modest, limit))


def _guest(guests: Guests, plan: str) -> Resident:
    name, stack = guests.welcome(plan=plan)
    return signed_in(stack, http.authority(stack), name, name)


def _judged(stage: Stage, greedy: Resident, modest: Resident, limit: int) -> Iterator[Judgement]:
    try:
        opened = list(_open(stage, modest))
        if not opened:
            yield Judgement(subject="limits", outcome=Outcome.ERROR, reason="no operation that only looks is reached through the gateway")
            return
        # A limit may be kept apart on one path and not on the next.
        flood = [door.ask(one, greedy.token).status for door, asked in opened for one in named(asked, modest, limit)]
        used = [door.ask(asked, greedy.token).status for door, asked in opened for _ in range(limit + 5)]
        others = _answers_to_others(stage, opened, modest, limit) | {"a tenant beside a busy one": list(_beside_a_busy_one(stage, opened))}
        disguised = {
            f"{how} at {asked.path}": door.ask(one, greedy.token).status for door, asked in opened for how, one in disguises(asked, modest)
        }
        again = _new_token(stage, greedy)
        disguised |= {f"with a new token at {asked.path}": door.ask(asked, again).status for door, asked in opened}
    except Unobservable as problem:
        yield Judgement(subject="limits", outcome=Outcome.ERROR, reason=f"could not look: {problem}")
        return
    twin = f"{used.count(http.TOO_MANY)} of {len(used)} requests beyond {limit} were answered 429, after {len(flood)} that named another"
    is_limited = http.TOO_MANY in used
    for who, statuses in others.items():
        yield judge(who, statuses, is_limited=is_limited, twin=twin)
    yield judge_disguises(disguised, is_limited=is_limited, twin=twin)


def _answers_to_others(stage: Stage, opened: Sequence[tuple[Door, Request]], modest: Resident, limit: int) -> dict[str, list[int]]:
    """What everybody else is answered, on every path; the modest one stays well below its own limit."""
    looks = max(1, min(_LOOKS, limit // (4 * len(opened))))
    return {
        "another tenant of the same plan": [door.ask(asked, modest.token).status for door, asked in opened for _ in range(looks)],
        "that tenant, naming itself": [
            door.ask(one, modest.token).status for door, asked in opened[:4] for one in itertools.islice(named(asked, modest, 2), 2)
        ],
        "a tenant of another plan": [
            door.ask(asked, token).status for door, asked in opened for token in (stage.mine.token, stage.theirs.token) * 2
        ],
    }


def _beside_a_busy_one(stage: Stage, opened: Sequence[tuple[Door, Request]]) -> Iterator[int]:
    """What the neighbour is answered while a tenant of a large plan asks as fast as it can, which it may."""
    for door, asked in opened:
        for number in range(_BURST):
            door.ask(asked, stage.mine.token)
            if number % _PAUSE == 0:
                yield door.ask(asked, stage.theirs.token).status


def _open(stage: Stage, resident: Resident) -> Iterator[tuple[Door, Request]]:
    """Every operation that the gateway leads to and that needs nothing but a token, at the first door that does."""
    for way in stage.ways:
        if way.method == "GET" and not way.public and not way.place_names:
            try:
                request = own(way, resident, narrow=True)
            except Unmakeable:
                continue
            door = next((door for door in stage.through.values() if door.ask(request, resident.token).is_success), None)
            if door is not None:
                yield door, request


def named(asked: Request, victim: Resident, count: int) -> Iterator[Request]:
    """Requests that say in a header that they are the victim's, one kind after the other."""
    headers = (
        ("X-Tenant-ID", victim.tenant),
        ("X-Organization-ID", victim.organization_id),
        ("X-Forwarded-For", "192.0.2.77"),
        ("X-User", victim.user),
        ("X-Client-ID", victim.tenant),
        ("X-API-Key", victim.tenant),
    )
    for number in range(count):
        yield dataclasses.replace(asked, headers=(headers[number % len(headers)],))


def disguises(asked: Request, other: Resident) -> Iterator[tuple[str, Request]]:
    """The limited tenant's request as if somebody else, somewhere else, had sent it."""
    headers = {
        **dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP"), "192.0.2.78"),
        **dict.fromkeys(("X-Tenant-ID", "X-Client-ID", "X-API-Key", "X-Tenant"), other.tenant),
        "X-Organization-ID": other.organization_id,
        "X-Tenant-Plan": "test",
        "Forwarded": "for=192.0.2.78",
        "User-Agent": "constat/other",
        "X-Forwarded-Host": "other.example",
        "Cookie": "session=other",
    }
    for name, value in headers.items():
        yield f"with {name}", dataclasses.replace(asked, headers=((name, value),))
    yield "with another query", dataclasses.replace(asked, query=(("nonce", "1"),))
    yield "with HEAD", dataclasses.replace(asked, method="HEAD")


def judge(who: str, statuses: Sequence[int], *, is_limited: bool, twin: str) -> Judgement:
    """FAIL when somebody else was limited; ERROR when nobody was, for then there is no limit to be kept apart."""
    hit = sum(status == http.TOO_MANY for status in statuses)
    outcome, reason = Outcome.PASS, f"none of {len(statuses)} requests was limited"
    if hit:
        outcome, reason = Outcome.FAIL, f"{hit} of {len(statuses)} requests were answered 429 because of another tenant's"
    elif not is_limited:
        outcome, reason = Outcome.ERROR, "nobody was limited at all: there is no limit to be kept apart"
    return _judgement(who, outcome, reason, expected=0, observed=hit, twin=twin, count=len(statuses))


def judge_disguises(answers: dict[str, int], *, is_limited: bool, twin: str) -> Judgement:
    """FAIL when a disguise lets the limited tenant through."""
    through = sorted(how for how, status in answers.items() if status in http.SUCCESS)
    outcome, reason = Outcome.PASS, f"none of {len(answers)} disguises lets it through"
    if through and is_limited:
        outcome, reason = Outcome.FAIL, f"it gets through {', '.join(through)}"
    elif not is_limited:
        outcome, reason = Outcome.ERROR, "nobody was limited at all: there is nothing to get around"
    return _judgement("the limited tenant in disguise", outcome, reason, expected=[], observed=through, twin=twin, count=len(answers))


def _judgement(subject: str, outcome: Outcome, reason: str, *, expected: object, observed: object, twin: str, count: int) -> Judgement:
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=expected,
        observed=observed,
        positive_control=twin,
        trials=(Trial(actor="tenant", store=GATEWAY, act=Act.BLOCK, outcome=outcome, count=count),),
    )


def _new_token(stage: Stage, guest: Resident) -> str:
    """The guest signs in again."""
    request = Request(method="POST", path=web.SIGN_IN, body={"user": guest.user, "password": guest.password})
    return str(http.expect(stage.direct["identity"].ask(request), what=f"sign-in of {guest.user}").json()["access_token"])
