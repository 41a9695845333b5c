"""Answers: error pages, metrics and whatever else everybody can read tell nothing of tenants or of the platform's inside."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import itertools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.errors import Unobservable
from constat.evidence import Evidence
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http
from constat.outcome import Impact, Outcome, Severity
from constat.secrets import secrets_of
from constat.trial import Act, Trial
from suites.security.strangers import web
from suites.security.wire.tls import DEMANDED, shake
from suites.tenancy.gateway import attack, judging
from suites.tenancy.gateway.routes import own
from suites.tenancy.gateway.values import Unmakeable
from suites.tenancy.telemetry import deltas
from suites.tenancy.telemetry.internals import present, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import httpx

    from constat.observe.http import Reply
    from constat.stack import Listener
    from suites.tenancy.gateway.resident import Resident
    from suites.tenancy.gateway.stage import Stage
    from suites.tenancy.telemetry.provoking import Provoked

# Where numbers, traces and dumps usually are.
PAGES: Final = (
    *("/metrics", "/metrics/detailed", '/federate?match[]={job!=""}', "/stats", "/status", "/debug/vars", "/debug/pprof/", "/actuator"),
    *("/actuator/httptrace", "/api/traces", "/api/v1/targets", "/api/v1/label/__name__/values", "/debug/requests", "/server-status"),
    *("/api/rawdata", "/errors", "/logs", "/trace", "/zipkin/", "/jaeger/", "/openapi.json"),
)
_WEB: Final = frozenset({"http", "https"})
AT_ONCE: Final = 4


@control(
    "TEN-TEL-02",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants"),
    promises=("isolation.gateway",),
    refs=("OWASP API8:2023", "OWASP ASVS 7.4.1", "ISO 27001 A.8.12", "CWE-209", "CWE-200"),
    remediation="Answer errors with a title of your own, and label metrics with routes and kinds, never with values of a request.",
)
def test_answers_and_metrics_betray_nothing(stage: Stage, traffic: list[Provoked], findings: Findings) -> None:
    """No error page or metric that a tenant or anybody can read shows tenants' data, secrets, the inside, or when others work."""
    findings.judge(_judged(stage, traffic))


def _judged(stage: Stage, traffic: Sequence[Provoked]) -> Iterator[Judgement]:
    secrets = secrets_of(stage.stack) - {stage.mine.password}
    foreign = stage.theirs.marks - stage.mine.marks
    for door in sorted({one.door for one in traffic}):
        yield judge_errors(door, [one for one in traffic if one.door == door], secrets, foreign)
    listeners = [listener for listener in stage.stack.listeners if listener.protocol in _WEB]
    looked, shown = 0, []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pages") as pool:
        for listener, (judgement, pages) in zip(
            listeners, pool.map(lambda listener: _pages(stage, listener, secrets), listeners), strict=True
        ):
            looked += judgement.outcome is not Outcome.NOT_REVIEWED
            shown += [(listener, page) for page in sorted({page for _, page in pages})]
            yield judgement
    yield coverage(looked, len(listeners), what="web listeners")
    yield _deltas(stage, shown)


def _deltas(stage: Stage, shown: Sequence[tuple[Listener, str]]) -> Judgement:
    """Every number of every page that anybody, or a tenant, is shown, while another tenant works."""
    subject = "numbers of pages"
    worked: list[Reply] = []
    with contextlib.ExitStack() as opened:
        try:
            readable = list(_readable(stage, shown, opened))
            works = {
                deltas.MINE: lambda: worked.extend(_works(stage, stage.mine)),
                deltas.THEIRS: lambda: worked.extend(_works(stage, stage.theirs)),
            }
            told = set(deltas.telling(deltas.watched(lambda: _numbers(readable), works, deltas.ORDER)))
            if told:
                told &= set(deltas.telling(deltas.watched(lambda: _numbers(readable), works, deltas.AGAIN)))
        except Unobservable as problem:
            return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    found: dict[str, list[str]] = defaultdict(list)
    for page, _, name in (key.partition(" | ") for key in sorted(told)):
        found[page].append(name)
    return deltas.judge(subject, found, pages=len(readable), worked=sum(reply.is_success for reply in worked))


def _readable(stage: Stage, shown: Sequence[tuple[Listener, str]], opened: contextlib.ExitStack) -> Iterator[tuple[str, Callable[[], str]]]:
    """Pages with numbers in them, as a tenant reads them: what each is called, and how it is read."""
    token = {"Authorization": f"Bearer {stage.mine.token}"}
    for listener, pages in itertools.groupby(shown, key=lambda pair: pair[0]):
        client = opened.enter_context(http.client(http.authority(stage.stack), web.url(listener), headers=token))
        for _, page in pages:
            if deltas.numbers(_text(client, page)):
                yield f"{listener.node}/{listener.name}{page}", functools.partial(_text, client, page)


def _text(client: httpx.Client, page: str) -> str:
    return http.ask(client, "GET", page).text


def _numbers(readable: Sequence[tuple[str, Callable[[], str]]]) -> dict[str, float]:
    return {f"{page} | {name}": value for page, read in readable for name, value in deltas.numbers(read()).items()}


def _works(stage: Stage, who: Resident) -> Iterator[Reply]:
    """What a tenant does: it looks at its own things, through the gateway."""
    for way in stage.ways:
        if way.method == "GET" and not way.public:
            with contextlib.suppress(Unmakeable):
                yield attack.refused(next(iter(stage.through.values())), own(way, who), who.token)


def judge_errors(door: str, traffic: Sequence[Provoked], secrets: frozenset[str], foreign: frozenset[str]) -> Judgement:
    """FAIL with the first answer that shows more than its reader had said."""
    wrong: list[tuple[Provoked, str]] = []
    for one in traffic:
        text = one.reply.text + "\n" + "\n".join(one.reply.headers.values())
        shown = [f"data of another tenant ({mark})" for mark in judging.leaks(one.request, one.reply, foreign)]
        shown += ["a secret of the platform"] if any(secret in text for secret in secrets) else []
        shown += told(one.reply.text, sent=one.request.sent)
        wrong += [(one, shown[0])] if shown else []
    outcome = Outcome.FAIL if wrong else Outcome.PASS
    statuses = dict(Counter(str(one.reply.status) for one in traffic).most_common())
    reason = (
        f"{wrong[0][0].request.method} {wrong[0][0].request.path} is answered with {wrong[0][1]}"
        if wrong
        else f"{len(traffic)} answers betray nothing"
    )
    return Judgement(
        subject=f"answers of {door}",
        outcome=outcome if traffic else Outcome.ERROR,
        reason=reason,
        expected=0,
        observed=len(wrong),
        positive_control=f"answers by status: {statuses}",
        evidence=judging.evidence(_tried(wrong[0][0]), reason, door) if wrong else (),
        trials=(Trial(actor="tenant", store="error pages", act=Act.SEE, outcome=outcome, count=len(traffic)),),
    )


def _pages(stage: Stage, listener: Listener, secrets: frozenset[str]) -> tuple[Judgement, dict[tuple[str, str], str]]:
    """Every page where numbers may be, without a token and with another tenant's; and those that were shown, by reader and page."""
    subject, pages = f"pages of {listener.node}/{listener.name}", {}
    token = {"Authorization": f"Bearer {stage.mine.token}"}
    try:
        if listener.tls and shake(listener, http.authority(stage.stack)).kind == DEMANDED:
            return Judgement(subject=subject, outcome=Outcome.PASS, reason="nobody is spoken to without a certificate"), {}
        with http.client(http.authority(stage.stack), web.url(listener)) as client:
            for page in PAGES:
                for who, headers in (("anonymous", {}), (stage.mine.tenant, token)):
                    pages[who, page] = http.ask(client, "GET", page, headers=headers)
    except Unobservable as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}"), {}
    people, shown = {who: words(stage, who) for who, _ in pages}, {key: reply.text for key, reply in pages.items() if reply.is_success}
    return judge_pages(subject, shown, people, secrets, asked=len(pages)), shown


def words(stage: Stage, who: str) -> frozenset[str]:
    """What a reader may not see: what is recognised as somebody else's."""
    everybody = stage.mine.marks | stage.theirs.marks | stage.spare.marks
    return everybody - stage.mine.marks if who == stage.mine.tenant else everybody


def judge_pages(
    subject: str, pages: Mapping[tuple[str, str], str], people: Mapping[str, frozenset[str]], secrets: frozenset[str], *, asked: int
) -> Judgement:
    """FAIL with every page that shows somebody else's data or a secret."""
    wrong = {f"{page} to {who}": present(text, people[who]) for (who, page), text in pages.items() if present(text, people[who])}
    wrong |= {f"{page} to {who}": ("a secret",) for (who, page), text in pages.items() if present(text, secrets)}
    outcome = Outcome.FAIL if wrong else Outcome.PASS
    first = next(iter(wrong.items()), None)
    reason = f"{first[0]} shows {', '.join(first[1][:3])}" if first else f"{asked} questions, {len(pages)} pages, nothing of a tenant's"
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=[],
        observed=sorted(wrong),
        evidence=(Evidence(name="pages.txt", content="\n".join(f"{where}: {what}" for where, what in wrong.items())),) if wrong else (),
        trials=(Trial(actor="anonymous", store="metrics and traces", act=Act.SEE, outcome=outcome, count=asked),),
    )


def _tried(one: Provoked) -> judging.Tried:
    return judging.Tried(how="traffic that goes wrong", request=one.request, reply=one.reply)
