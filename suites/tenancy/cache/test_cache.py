"""Cache: no tenant sees, changes, destroys, lists or listens to what another tenant has there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from constat.attempt import Answer
from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import cache as caches
from constat.observe.commands import Command, commands
from constat.outcome import Impact, Outcome, Severity
from suites.tenancy.cache import acts, channels, ground
from suites.tenancy.cache.line import Line, line
from suites.tenancy.campaign import OK, Act, Tried, summary, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Cache, Login, Stack
    from suites.tenancy.cache.ground import Planted

NEEDS: Final = ("cache", "tenants")
PROMISES: Final = ("isolation.storage",)
REFS: Final = ("OWASP API1:2023", "ISO 27001 A.8.3", "CWE-639", "CWE-668")


@dataclass(frozen=True, kw_only=True)
class Field:
    """Everybody's lines and keys, and what the server can be asked to do."""

    cache: Cache
    oracle: Line
    lines: dict[str, Line]
    logins: dict[str, Login]
    planted: dict[str, Planted]
    pair: tuple[str, str]
    tenants: tuple[str, ...]
    commands: tuple[Command, ...]

    def directions(self) -> Iterator[tuple[Line, Planted, Planted]]:
        """Attacker, what it has itself, and what it must not reach; each of the pair once."""
        for who, victim in (self.pair, self.pair[::-1]):
            yield self.lines[who], self.planted[who], self.planted[victim]

    def led_to(self, sign: str, victim: str) -> tuple[str, ...]:
        """The victim's names that the rules of all users lead to."""
        rules = " ".join(user.rules for user in caches.users(self.cache))
        return ground.led_to(rules, sign, self.tenants, victim)


@pytest.fixture(scope="module")
def field(stack: Stack, attack_pair: tuple[str, str]) -> Iterator[Field]:
    """Log everybody in and plant; every key of the suite's is removed afterwards."""
    assert stack.cache is not None  # the controls need it
    with contextlib.ExitStack() as opened:
        oracle = opened.enter_context(line(stack.cache))
        ground.sweep(oracle)
        lines = {name: opened.enter_context(line(stack.cache, stack.tenants[name].cache)) for name in attack_pair}
        opened.callback(ground.sweep, oracle)
        yield Field(
            cache=stack.cache,
            oracle=oracle,
            lines=lines,
            logins={name: stack.tenants[name].cache for name in attack_pair},
            planted={name: ground.plant(speaker, name) for name, speaker in lines.items()},
            pair=attack_pair,
            tenants=tuple(stack.tenants),
            commands=commands(stack.cache),
        )


@control(
    "TEN-CAC-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Confine the user to keys that begin with its name and the separator, for reading and for writing.",
)
def test_a_tenant_reaches_no_key_of_another(field: Field, findings: Findings) -> None:
    """By no command, in no place of it, is a key of another tenant or of the platform read, changed or known to exist."""
    findings.judge(_keys(field))


@control(
    "TEN-CAC-02",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Take away every command that names no key and is not about the connection itself.",
)
def test_a_tenant_enumerates_and_governs_nothing(field: Field, findings: Findings) -> None:
    """No command without a key is open to a tenant that lists, counts, watches, scripts, reconfigures or empties what is everybody's."""
    findings.judge(_keyless(field))


@control(
    "TEN-CAC-03",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Confine the user to channels that begin with its name and the separator.",
)
def test_a_tenant_hears_and_says_nothing_on_the_channels_of_another(field: Field, findings: Findings) -> None:
    """No subscription, by name or by pattern, hears another tenant's channel or what happens to its keys, and nothing is said there."""
    findings.judge(_channels(field))


@control(
    "TEN-CAC-04",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=NEEDS,
    promises=PROMISES,
    refs=REFS,
    remediation="Remove the user, confine it to one tenant, or declare it as an operator of the platform.",
)
def test_every_user_of_the_cache_is_confined(field: Field, findings: Findings) -> None:
    """Every user that the server knows reaches the keys of its own tenant at most, unless the platform declares it as an operator's."""
    findings.judge(_users(field))


def _keys(field: Field) -> Iterator[Judgement]:
    for attacker, own, theirs in field.directions():
        before = ground.state(field.oracle, theirs)
        others = [key for key in ground.foreign(field.oracle, own.tenant) if not key.startswith(f"{theirs.tenant}:")]
        tried = [_real_twin(attacker, own, theirs)]
        calls = acts.calls(field.oracle, field.commands, own=own.known, theirs=theirs.known)
        tried += acts.on_keys(field.oracle, attacker, calls)
        tried += acts.on_patterns(field.oracle, attacker, calls)
        for key in (*ground.near_misses(own.tenant, theirs), *field.led_to("~", theirs.tenant), *others):
            plain = [command for command in field.commands if command.name in {"get", "set", "del", "exists", "ttl", "type"}]
            tried += acts.on_keys(field.oracle, attacker, acts.calls(field.oracle, plain, own=own.known, theirs=key))
        changed = ground.state(field.oracle, theirs) != before
        subject = f"{attacker.who} against keys of {theirs.tenant}"
        yield _judged(subject, theirs, before, tried, changed=changed)
        attacked = {call.command.name for call in calls}
        left_out = _ill_built(calls, tried)
        yield _covered(f"coverage: {subject}", len(attacked) - len(left_out), len(attacked), "commands that name a key", left_out)


def _keyless(field: Field) -> Iterator[Judgement]:
    for attacker, _, theirs in field.directions():
        before = ground.state(field.oracle, theirs)
        tried = acts.without_keys(field.oracle, attacker, field.commands)
        changed = ground.state(field.oracle, theirs) != before
        yield _judged(f"{attacker.who}: commands without a key", theirs, before, tried, changed=changed)
    yield coverage(len(field.commands), len(field.commands), what="commands of the server")


def _judged(subject: str, theirs: Planted, before: str, tried: list[Tried], *, changed: bool) -> Judgement:
    if theirs.content not in before:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason="the oracle does not see the victim's canary")
    if changed:
        return Judgement(
            subject=subject, outcome=Outcome.FAIL, reason="the victim's keys changed", expected="unchanged", observed="changed"
        )
    return summary(subject, [(seen, verdict(seen, (theirs.content, theirs.name))) for seen in tried])


def _real_twin(attacker: Line, own: Planted, theirs: Planted) -> Tried:
    """The attacker really gets its own value, and really asks for the victim's."""
    act = Act(name="get, really", twin=Answer, forbidden=Answer, refusals=acts.DENIED, own=own.content)  # type: ignore[arg-type]
    return Tried(act=act, twin=attacker.ask("GET", own.known), answer=attacker.ask("GET", theirs.known))


def _ill_built(calls: tuple[acts.Call, ...], tried: list[Tried]) -> tuple[str, ...]:
    """Commands of which no call could be made that the server understands."""
    understood = {seen.act.name.split()[0] for seen in tried if seen.twin.kind == OK}
    names = {call.command.name for call in calls if call.on_key}
    return tuple(sorted(name for name in names if name.partition("|")[0] not in understood and name not in understood))


def _covered(subject: str, attacked: int, known: int, what: str, left_out: tuple[str, ...]) -> Judgement:
    found = coverage(attacked, known, what=what, left_out=left_out)
    return Judgement(subject=subject, outcome=found.outcome, reason=found.reason, expected=known, observed=attacked)


def _channels(field: Field) -> Iterator[Judgement]:
    for attacker, own, theirs in field.directions():
        with line(field.cache, field.logins[attacker.who]) as ear:
            tried = list(channels.heard(field.oracle, ear, own, theirs, field.led_to("&", theirs.tenant)))
        with line(field.cache) as ear:
            tried += [channels.said(ear, attacker, own, theirs, verb) for verb in ("PUBLISH", "SPUBLISH")]
        yield summary(f"{attacker.who} on channels of {theirs.tenant}", [(seen, verdict(seen, (theirs.content,))) for seen in tried])


def _users(field: Field) -> Iterator[Judgement]:
    found = caches.users(field.cache)
    probes = {name: f"{name}:{ground.WORD}:known" for name in field.tenants}
    for user in found:
        asked = [(name, verb) for name in probes for verb in ("GET", "SET", "DEL", "LRANGE", "HGETALL", "XADD")]
        values = {"SET": ("x",), "LRANGE": ("0", "1"), "XADD": ("*", "a", "b")}
        said = field.oracle.ask_all([("ACL", "DRYRUN", user.name, verb, probes[name], *values.get(verb, ())) for name, verb in asked])
        reached = sorted({name for (name, _), answer in zip(asked, said, strict=True) if answer.shown == "OK"})
        yield confined(user, reached, field)
    yield coverage(len(found), len(found), what="users")


def confined(user: caches.User, reached: list[str], field: Field) -> Judgement:
    """A user reaches its own tenant's keys and no other's; operators are declared."""
    is_operator = user.name in field.cache.operators
    own = [user.name] if user.name in field.tenants else []
    excess = [] if is_operator or not user.enabled else sorted(set(reached) - set(own))
    if own and user.enabled and own[0] not in reached:
        return Judgement(subject=f"user {user.name}", outcome=Outcome.ERROR, reason="it does not even reach its own keys", observed=reached)
    return Judgement(
        subject=f"user {user.name}",
        outcome=Outcome.FAIL if excess else Outcome.PASS,
        reason=f"reaches keys of {', '.join(excess)}, and nobody declares it as an operator" if excess else "confined",
        expected=[],
        observed=excess,
        positive_control="the operators reach every tenant's keys" if is_operator and reached else None,
    )
