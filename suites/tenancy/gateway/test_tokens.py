"""Tokens: only what the issuer has signed, for this platform and for now, lets anybody in, and only as whom it names."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.outcome import Impact, Outcome, Severity
from constat.trial import Act
from suites.tenancy.gateway import attack, presenting, tokens
from suites.tenancy.gateway.admitting import admitted
from suites.tenancy.gateway.judging import marks
from suites.tenancy.gateway.oracle import Oracle
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.stage import asked, required_canary
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.naming import Variation
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage
    from suites.tenancy.gateway.tokens import Genuine

AT_ONCE: Final = 4
_KEYS: Final = "jwks.json"
_WHO: Final = ("user", "tenant", "organization_id")
_SAFE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, kw_only=True)
class Forging:
    """What tokens are forged from, and the attacker's own address; without one, only the most telling are."""

    token: Genuine
    address: str


@control(
    "TEN-API-03",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants", "postgres"),
    promises=("isolation.gateway",),
    refs=("OWASP API2:2023", "RFC 8725", "ISO 27001 A.8.5", "CWE-347", "CWE-287"),
    remediation="Verify signature, algorithm, issuer, audience and expiry with the issuer's published key alone, in every service.",
)
def test_nobody_speaks_for_another_tenant(stage: Stage, findings: Findings) -> None:
    """No forged, stale or oddly presented token lets anybody in, at no service and at no door."""
    findings.judge(judged(stage))


def judged(stage: Stage) -> Iterator[Judgement]:
    """Everything at one operation of each service, what is most telling at every other."""
    token = genuine(stage)
    guarded = [way for way in stage.ways if not way.public]
    reached: set[Way] = set()
    whole: set[tuple[str, str]] = set()
    with presenting.attackers_address() as (address, hits), contextlib.closing(_oracle(stage)) as oracle:
        jobs = []
        for way, door in [(one, door) for one in guarded for door in stage.doors(one) if leads(one, door, stage)]:
            is_first = (way.service, door.name) not in whole and way.method == "GET"
            whole |= {(way.service, door.name)} if is_first else set()
            reached.add(way)
            jobs.append((way, door, Forging(token=token, address=address if is_first else "")))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tokens") as pool:
            yield from pool.map(lambda job: _one(stage, job[0], job[1], oracle, job[2]), jobs)
        yield _fetched(hits.paths)
    left_out = tuple(str(way) for way in guarded if way not in reached)
    yield coverage(len(reached), len(guarded), what="operations that ask for a token", left_out=left_out)


def _one(stage: Stage, way: Way, door: Door, oracle: Oracle, forging: Forging) -> Judgement:
    subject = f"{door.name} {way}"
    try:
        base = own(way, stage.theirs)
        twin = _twin(stage, way, door, forging.token)
        before = oracle.look()
        required_canary(stage, before.canaries)
        tries = [(how, request, attack.refused(door, request, None)) for how, request in _variations(stage, way, base, forging)]
        changed = before.differs(oracle.look())
    except Unmakeable as problem:
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"no request follows from its description: {problem}")
    except Unobservable as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    known = marks(stage.mine, stage.theirs, stage.absent)
    return admitted(subject, tries, known.foreign, twin=twin, changed=changed, base=door.name, act=Act.IMPERSONATE)


def _variations(stage: Stage, way: Way, base: Request, forging: Forging) -> Iterator[Variation]:
    """All that there is with an address of the attacker's, the most telling without."""
    token, address = forging.token, forging.address
    yield from presenting.forged(base, tokens.unsigned(token))
    made_up = next(tokens.unsigned(token))[1]
    if not address:
        yield from list(presenting.oddly(base, stage.mine, stage.theirs, made_up))[:5]
        return
    yield from presenting.oddly(base, stage.mine, stage.theirs, made_up)
    yield from presenting.forged(base, tokens.confused(token))
    yield from presenting.forged(base, tokens.stranger(token, address=address))
    if stage.stack.issuer is not None:
        yield from presenting.forged(own(way, stage.mine), tokens.stale(token, stage.stack.issuer))


def _twin(stage: Stage, way: Way, door: Door, token: Genuine) -> str:
    """Whoever has a genuine token is let in by the same path; so is the issuer's signature made by the harness."""
    if way.method not in _SAFE:
        return "the oracle sees what is to be reached"
    said = [_let_in(stage.mine, way, door, stage.mine.token), _let_in(stage.theirs, way, door, stage.theirs.token)]
    if stage.stack.issuer is not None:
        said.append(_let_in(stage.mine, way, door, tokens.control(token, stage.stack.issuer)))
    return f"genuine tokens of both tenants: http {', '.join(map(str, said))}"


def _let_in(resident: Resident, way: Way, door: Door, token: str) -> int:
    _, reply = asked(door, own(way, resident), token)
    if not reply.is_success:
        msg = f"the permitted twin of {resident.tenant!r} did not succeed: {reply.status} {reply.text[:120]}"
        raise Unobservable(msg)
    return reply.status


def genuine(stage: Stage) -> Genuine:
    """The attacker's token, and the issuer's public key as it publishes it."""
    published = next((way for way in stage.ways if way.public and way.path.endswith(_KEYS)), None)
    if published is None:
        msg = f"no service describes where the issuer's keys are ({_KEYS!r}), so its tokens cannot be imitated"
        raise Unobservable(msg)
    keys = stage.direct[published.service].ask(Request(method="GET", path=published.path)).json()
    return tokens.genuine(stage.mine.token, mine=_named(stage.mine), theirs=_named(stage.theirs), jwks=keys)


def _named(resident: Resident) -> dict[str, str]:
    return {name: str(getattr(resident, name)) for name in _WHO}


def leads(way: Way, door: Door, stage: Stage) -> bool:
    """Whether the door leads to the operation: a path that nobody has is answered otherwise."""
    if door is stage.direct[way.service]:
        return True
    try:
        base = own(way, stage.mine)
    except Unmakeable:
        return False
    looked = dataclasses.replace(base, method="GET", body=None, content=None)
    made_up = "e30.e30.e30"
    return not attack.leads_nowhere(door, attack.refused(door, looked, made_up), made_up)


def _fetched(paths: list[str]) -> Judgement:
    outcome = Outcome.FAIL if paths else Outcome.PASS
    reason = "somebody asked an address that only a forged token names" if paths else "nobody asked the addresses that forged tokens name"
    return Judgement(subject="addresses in tokens", outcome=outcome, reason=reason, expected=[], observed=paths[:5])


def _oracle(stage: Stage) -> Oracle:
    return Oracle(stage.stack, stage.theirs.tenant, stage.theirs.canary)
