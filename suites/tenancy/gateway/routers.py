"""Routers: every rule of the gateway's own configuration, taken with a tenant's token and with none."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.judgement import Judgement, coverage
from constat.outcome import Outcome
from constat.trial import Act, Trial
from suites.security.strangers import web
from suites.tenancy.gateway import judging
from suites.tenancy.gateway.attack import refused
from suites.tenancy.gateway.request import Request
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from constat.evidence import Evidence
    from constat.observe.http import Reply
    from constat.stack import Stack
    from suites.tenancy.gateway.door import Door
    from suites.tenancy.gateway.request import Pairs
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.routes import Way
    from suites.tenancy.gateway.stage import Stage

AT_ONCE: Final = 4
_KINDS: Final = ("*.yml", "*.yaml", "*.toml", "*.json")
# `rule: "Path(`/a`)"`, `rule = 'Path("/a")'`.
_RULE: Final = re.compile(r"""(?m)^\s*["']?rule["']?\s*[:=]\s*["']?(.+?)["']?,?\s*$""")
_MATCHER: Final = re.compile(r"""(\w+)\(\s*[`"']([^`"']*)[`"'](?:\s*,\s*[`"']([^`"']*)[`"'])?\s*\)""")
_LITERAL: Final = re.compile(r"[\w/.~-]*")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a request must be like to take a router: how its path begins, and what else it says."""

    text: str
    prefixes: tuple[str, ...] = ()
    headers: Pairs = ()
    query: Pairs = ()

    @property
    def is_known(self) -> bool:
        """Whether a request can be made that takes it."""
        return bool(self.prefixes or self.headers or self.query)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One request by a router: whether it stands for an operation that asks for a token, who sent it, and what came back."""

    request: Request
    reply: Reply
    guarded: bool
    anonymous: bool


def rules(stack: Stack) -> tuple[Rule, ...]:
    """Every rule in the files of the gateway's nodes; Unobservable when one cannot be read."""
    found: dict[str, Rule] = {}
    for node in sorted(web.gateway_nodes(stack)):
        for path in sorted(itertools.chain.from_iterable((Path(stack.run_dir) / node).glob(kind) for kind in _KINDS)):
            try:
                text = path.read_text("utf-8")
            except OSError as problem:
                msg = f"the gateway's file {path.name!r} cannot be read: {problem}; run as root"
                raise Unobservable(msg) from None
            found |= {rule: parsed(rule) for rule in _RULE.findall(text)}
    return tuple(found.values())


def parsed(text: str) -> Rule:
    """A rule as Traefik writes it: the matchers that a request can be made for."""
    prefixes, headers, query = [], [], []
    for name, first, second in _MATCHER.findall(text):
        if name in {"Path", "PathPrefix", "PathRegexp"}:
            literal = _LITERAL.match(first.lstrip("^"))
            prefixes.append(literal[0] if literal else "/")
        elif (name, first) == ("HostSNI", "*"):  # whatever comes takes it, unless it is HTTP of another router
            prefixes.append("/")
        elif name == "Host":
            headers.append(("Host", first))
        elif name in {"Header", "Headers"}:
            headers.append((first, second))
        elif name == "Query":
            query.append((first, second) if second else tuple(first.partition("=")[::2]))
    return Rule(text=text, prefixes=tuple(dict.fromkeys(prefixes)), headers=tuple(headers), query=tuple(query))


def attacked(stage: Stage) -> Iterator[Judgement]:
    """Every rule at every entry point of the gateway."""
    known = rules(stage.stack)
    requests = [pair for rule in known if rule.is_known for pair in asked(rule, stage.ways, stage.mine)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="routers") as pool:
        yield from pool.map(lambda door: _attacked(stage, door, requests), stage.through.values())
    left_out = tuple(rule.text for rule in known if not rule.is_known)
    if known:
        yield coverage(len(known) - len(left_out), len(known), what="rules of the gateway", left_out=left_out)


def _attacked(stage: Stage, door: Door, requests: Sequence[tuple[Request, bool]]) -> Judgement:
    subject = f"{door.name} by the gateway's own rules"
    try:
        return judge(subject, list(_taken(stage, door, requests)), stage.mine.marks, stage.theirs.marks)
    except Unobservable as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")


def asked(rule: Rule, ways: Sequence[Way], mine: Resident) -> Iterator[tuple[Request, bool]]:
    """Requests that take the rule, and whether each is an operation's that asks for a token."""
    for prefix in rule.prefixes or ("/",):
        yield Request(method="GET", path=prefix, headers=rule.headers, query=rule.query), False
        for way in ways:
            if way.method == "GET" and not way.public:
                with contextlib.suppress(Unmakeable):  # the operation itself is said to be out of reach where it is attacked
                    yield from _behind(rule, prefix, own(way, mine))


def _behind(rule: Rule, prefix: str, base: Request) -> Iterator[tuple[Request, bool]]:
    """The operation behind the prefix, as a router that takes the prefix away would pass it on, and in its place."""
    tails = {prefix.rstrip("/") + base.path, prefix.rstrip("/") + re.sub(r"^/api(?=/)", "", base.path)}
    tails |= {prefix.rstrip("/") + "/" + base.path.rpartition("/")[2]} | ({base.path} if rule.headers or rule.query else set())
    for path in sorted(tails):
        yield dataclasses.replace(base, path=path, headers=rule.headers, query=(*base.query, *rule.query)), True


def _taken(stage: Stage, door: Door, requests: Iterable[tuple[Request, bool]]) -> Iterator[Taken]:
    seen: set[tuple[str, Pairs]] = set()
    for request, guarded in requests:
        if (request.line, request.headers) not in seen:
            seen.add((request.line, request.headers))
            yield Taken(request=request, reply=refused(door, request, stage.mine.token), guarded=guarded, anonymous=False)
            yield Taken(request=request, reply=refused(door, request, None), guarded=guarded, anonymous=True)


def judge(subject: str, taken: Sequence[Taken], mine: frozenset[str], theirs: frozenset[str]) -> Judgement:
    """FAIL where an answer shows somebody else's, or lets anybody into an operation that asks for a token."""
    wrong: list[tuple[Taken, str]] = []
    for one in taken:
        shown = judging.leaks(one.request, one.reply, mine | theirs if one.anonymous else theirs - mine)
        if shown:
            wrong.append((one, f"answers {one.reply.status} with what is a tenant's: {', '.join(shown[:3])}"))
        elif one.anonymous and one.guarded and one.reply.is_success:
            wrong.append((one, f"lets anybody in: {one.reply.status} {one.reply.text[:120]}"))
    outcome = Outcome.FAIL if wrong else Outcome.PASS if taken else Outcome.NOT_REVIEWED
    reason = f"{len(taken)} requests by the gateway's own rules show nothing of another tenant's" if taken else "no rule could be taken"
    evidence: tuple[Evidence, ...] = ()
    if wrong:
        first, what = wrong[0]
        reason = f"{'without a token ' if first.anonymous else ''}{first.request.line} {what}"
        shown_by = judging.Tried(how="by a rule of the gateway", request=first.request, reply=first.reply)
        evidence = judging.evidence(shown_by, reason, subject)
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=sorted({one.request.line for one, _ in wrong}),
        evidence=evidence,
        trials=(Trial(actor="anonymous", store=judging.GATEWAY, act=Act.SEE, outcome=outcome, count=len(taken)),),
    )
