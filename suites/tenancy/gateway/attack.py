"""Attack one operation at one door: the permitted twin, the oracle, every variation, the oracle again."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.judgement import Judgement
from constat.observe import http
from constat.outcome import Outcome
from constat.trial import Act
from suites.tenancy.gateway import judging, naming, pointing
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.stage import asked, required_canary, settle
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.observe.http import Reply
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.judging import Marks, Tried
    from suites.tenancy.gateway.naming import Variation
    from suites.tenancy.gateway.oracle import Oracle
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage

    Variations = Callable[["Approach", Resident], Iterator[Variation]]

NOWHERE: Final = Request(method="GET", path="/constat-nowhere")
_DENIED, _FAILED = frozenset({401, 403}), 500
_SAFE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class Approach:
    """One tenant before one operation at one door, its own use of which has succeeded."""

    stage: Stage
    door: Door
    way: Way
    me: Resident
    base: Request
    known: Marks
    twin: str
    token: str | None  # with which one's own use has succeeded

    @property
    def subject(self) -> str:
        """As findings call it."""
        return f"{self.door.name} {self.way}"

    @property
    def is_direct(self) -> bool:
        """Whether the door is the service's own."""
        return self.door is self.stage.direct[self.way.service]


def pointing_at(approach: Approach, whose: Resident) -> Iterator[Variation]:
    """Every way to point at what is theirs; what the gateway passes on as it is, is tried at the service alone."""
    stage, way, base = approach.stage, approach.way, approach.base
    yield from pointing.places(way, base, whose)
    if approach.is_direct or (way.method != "GET" and not way.place_names):
        yield from pointing.bodies(base, stage.mine, whose)
    if approach.is_direct:  # once: what was taken by the attacker itself would say nothing
        yield from pointing.texts(base, stage.mine, whose)
    if approach.is_direct or (way.method != "GET" and not way.place_names):
        yield from pointing.queries(way, pointing.aimed(way, base, whose) if way.method == "DELETE" else base, stage.mine, whose)
    if way.public:
        return
    described = frozenset(other.method for other in stage.ways if other.path == way.path)
    if way.method == min(described):  # once a path
        yield from pointing.verbs(way, base, whose, described)
    if way.method == "GET" and len(way.place_names) <= 1:
        public = tuple(other.path for other in stage.ways if other.public and not other.takes_something)[:1]
        yield from pointing.paths(way, base, whose, (*public, f"/health/{way.service}"))


def naming_them(approach: Approach, whose: Resident) -> Iterator[Variation]:
    """Every way to name them: on one's own things where that is harmless, and on theirs; headers at every door."""
    stage, way, base = approach.stage, approach.way, approach.base
    aimed = pointing.aimed(way, base, whose)
    if way.public:
        yield "every tenant header", dataclasses.replace(base, headers=tuple((name, whose.tenant) for name in ("X-Tenant-ID", "X-Tenant")))
        return
    yield from naming.headers(aimed, stage.mine, whose)
    if not approach.is_direct:
        return
    yield from naming.filters(aimed if way.method == "DELETE" else base, stage.mine, whose)
    yield from naming.fields(base, whose)
    if way.place_names:
        both = (("organization_id", whose.organization_id), ("tenant", whose.tenant))
        yield "query organization_id, on theirs", dataclasses.replace(aimed, query=(*aimed.query, *both))


def approached(stage: Stage, door: Door, way: Way) -> Approach | Judgement | None:
    """Use the operation as one may; a judgement when that fails, None when the door does not lead there."""
    subject = f"{door.name} {way}"
    me = _expendable(stage) if way.method == "DELETE" else stage.mine
    try:
        base, reply = asked(door, own(way, me), token := None if way.public else me.token)
        if way.public and reply.status in _DENIED and door is not stage.direct[way.service]:
            base, reply = asked(door, base, token := me.token)  # what everybody may at the service, the gateway keeps for tenants
    except Unmakeable as problem:
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"no request follows from its description: {problem}")
    known = judging.marks(stage.mine, stage.theirs, stage.absent)
    if not reply.is_success:
        if leads_nowhere(door, reply, me.token):
            return None
        return _unusable(subject, reply)
    twin = f"own data by the same path: http {reply.status}"
    return Approach(stage=stage, door=door, way=way, me=me, base=base, known=known, twin=twin, token=token)


def attacked(approach: Approach, oracle: Oracle, variations: Variations, *, store: str = judging.GATEWAY) -> Judgement:
    """Try every variation; what could not be observed is ERROR."""
    try:
        twin = f"{approach.twin}; {victims_twin(approach)}"
        before = oracle.look()
        required_canary(approach.stage, before.canaries)
        tries, suspects = watched(tried(approach, variations), oracle)
        changed = before.differs(oracle.look())
    except Unobservable as problem:
        return Judgement(subject=approach.subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return judging.judged(
        approach.subject,
        tries,
        approach.known,
        word=approach.stage.mine.canary,
        twin=twin,
        changed=changed,
        suspects=suspects,
        base=approach.door.name,
        store=store,
    )


def watched(attacks: Iterator[Tried], oracle: Oracle) -> tuple[list[Tried], list[Tried]]:
    """Every attack, and those after which the victim's rows were not as before; only what was answered with success can be one."""
    tries, suspects, last = [], [], oracle.rows()
    for one in attacks:
        tries.append(one)
        if one.kind is not Act.SEE and one.reply.is_success and (now := oracle.rows()) != last:
            suspects.append(one)
            last = now
    return tries, suspects


def victims_twin(approach: Approach) -> str:
    """The owner reaches by the same path what the attacker must not: else nothing is there to be reached."""
    way, theirs = approach.way, approach.stage.theirs
    if way.method not in _SAFE or way.public:
        return "the oracle sees what is to be reached"
    reply = approach.door.ask(dataclasses.replace(own(way, theirs), media=approach.base.media), theirs.token)
    if not reply.is_success:
        msg = f"the owner's own request is answered {reply.status}: {reply.text[:120]}"
        raise Unobservable(msg)
    return f"the owner's own request: http {reply.status}"


def tried(approach: Approach, variations: Variations) -> Iterator[Tried]:
    """Each variation against what is theirs; where the answer is not the known refusal, against what exists nowhere too."""
    stage, way, door = approach.stage, approach.way, approach.door
    token = approach.token
    refusal = refused(door, _renewed(pointing.aimed(way, approach.base, stage.absent), approach.me), token)
    at_theirs, at_nothing = variations(approach, stage.theirs), variations(approach, stage.absent)
    for (how, theirs), (_, nothing) in zip(at_theirs, at_nothing, strict=True):
        reply = refused(door, _renewed(theirs, approach.me), token)
        absent = None
        if not judging.alike(reply, refusal, approach.known, stage.mine.canary):
            absent = refused(door, _renewed(nothing, approach.me), token)
        actor = "anonymous" if token is None else "tenant"
        yield judging.Tried(how=how, request=theirs, reply=reply, absent=absent, actor=actor)


def refused(door: Door, request: Request, token: str | None) -> Reply:
    """Ask; again after a moment where the door only says that anybody asks too often, which is not about tenants."""
    reply = http.unhurried(lambda: door.ask(request, token))
    if reply.status == http.TOO_MANY:
        msg = f"{door.name} answers 429 to {request.method} {request.line!r} all the time"
        raise Unobservable(msg)
    return reply


def leads_nowhere(door: Door, reply: Reply, token: str) -> bool:
    """Whether the door answers in the same way to a path that nobody has."""
    other = refused(door, NOWHERE, token)
    return (reply.status, reply.body) == (other.status, other.body)


def _renewed(request: Request, me: Resident) -> Request:
    """The request with a text that nobody has seen: what was made once must not stand in the way of the next."""
    if request.method != "POST" or request.body is None:
        return request
    word = me.word()
    body = re.sub(rf"{re.escape(me.canary)}x[0-9a-f]{{4,}}", word, json.dumps(request.body))
    return dataclasses.replace(request, body=json.loads(body))


def _expendable(stage: Stage) -> Resident:
    """The attacker with things of its own to be given up, made anew."""
    spare = dataclasses.replace(stage.mine, places={}, told={}, words=[])
    settle(spare, stage.ways, stage.direct)
    return spare


def _unusable(subject: str, reply: Reply) -> Judgement:
    said = f"{reply.status} {reply.text[:160]}".strip()
    if reply.status in _DENIED or reply.status >= _FAILED or reply.status == http.TOO_MANY:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"the permitted twin did not succeed: {said}")
    return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"the request made from its description is refused: {said}")
