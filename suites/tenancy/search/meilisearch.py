"""Meilisearch, where a target names one: what a tenant token lets its bearer find, and which tokens are believed."""

from __future__ import annotations

import contextlib
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable
from constat.evidence import Evidence
from constat.judgement import Judgement
from constat.observe import http
from constat.observe import meilisearch as engine
from constat.outcome import Outcome, worst
from constat.trial import Act, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from constat.observe.http import Reply
    from constat.stack import Search, Stack
    from suites.tenancy.gateway.resident import Resident

KIND: Final = "meilisearch"
_HOUR: Final = 3600
_REFUSALS: Final = frozenset({400, 401, 403, 404})


@dataclass(frozen=True, kw_only=True)
class Found:
    """One try: what it was, and what was answered."""

    how: str
    reply: Reply
    act: Act = Act.SEE


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where it is, and who asks: its administrator, and somebody with whatever token they have."""

    search: Search
    admin: httpx.Client
    anybody: httpx.Client
    key: engine.Key


def judged(stack: Stack, mine: Resident, theirs: Resident) -> Iterator[Judgement]:
    """One judgement an index; nothing at all for another engine, whose searches have no tenant tokens."""
    search = stack.search
    if search is None or search.kind != KIND:
        return
    ca, bearer = http.authority(stack), {"Authorization": f"Bearer {search.key}"}
    with http.client(ca, search.url, headers=bearer) as admin, http.client(ca, search.url) as anybody:
        try:
            names, key = engine.indexes(admin), engine.search_key(admin)
        except Unobservable as problem:
            yield Judgement(subject=KIND, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
            return
        server = Server(search=search, admin=admin, anybody=anybody, key=key)
        for index in names:
            yield attacked(server, index, (mine, theirs))


def attacked(server: Server, index: str, pair: tuple[Resident, Resident]) -> Judgement:
    """Plant a document of each tenant, search with the attacker's token in every way, and take both away again."""
    (mine, theirs), search, admin, anybody, key = pair, server.search, server.admin, server.anybody, server.key
    subject = f"{KIND} index {index}"
    try:
        with planted(search, admin, index, pair):
            token = engine.tenant_token(key, rule(search, index, mine), expires=int(time.time()) + _HOUR)
            own = engine.ask(anybody, token, f"/indexes/{index}/search", {"q": mine.canary})
            there = engine.ask(admin, search.key, f"/indexes/{index}/search", {"q": theirs.canary})
            found = [*searches(search, anybody, token, index, theirs), *forgeries(search, anybody, key, index, pair)]
    except (Unobservable, NotReady) as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return judge(subject, own=holds(own, mine.canary), there=holds(there, theirs.canary), found=found, foreign=theirs.canary)


def rule(search: Search, index: str, whose: Resident) -> dict[str, Any]:
    """What an application puts into a tenant's token."""
    return {index: {"filter": f"{search.tenant_field} = '{whose.organization_id}'"}}


def searches(search: Search, client: httpx.Client, token: str, index: str, theirs: Resident) -> Iterator[Found]:
    """Every way to search, with every way to ask for more than the token's rule allows."""
    column = search.tenant_field
    extras: dict[str, dict[str, Any]] = {
        "plain": {},
        "with their filter": {"filter": f"{column} = '{theirs.organization_id}'"},
        "with their filter or mine": {"filter": f"{column} = '{theirs.organization_id}' OR {column} EXISTS"},
        "with a list of filters": {"filter": [[f"{column} = '{theirs.organization_id}'", f"{column} EXISTS"]]},
        "with a filter that closes the rule's": {"filter": f"{column} = x) OR ({column} EXISTS"},
        "with every field": {"attributesToRetrieve": ["*"], "facets": ["*"], "showRankingScore": True},
    }
    for (extra, fields), query in itertools.product(extras.items(), ("", theirs.canary, theirs.canary[:6], "*")):
        for what, path, body in engine.endpoints(index, query, fields):
            yield Found(how=f"{what} {extra}, for {query!r}", reply=engine.ask(client, token, path, body))


def forgeries(search: Search, client: httpx.Client, key: engine.Key, index: str, pair: tuple[Resident, Resident]) -> Iterator[Found]:
    """Tokens for the other tenant that nobody has signed, or not for now."""
    mine, theirs = pair
    later, rules = int(time.time()) + _HOUR, rule(search, index, theirs)
    other = engine.Key(uid=key.uid, secret=mine.canary)
    tokens = {
        "expired": engine.tenant_token(key, rules, expires=later - 2 * _HOUR),
        "signed with another key": engine.tenant_token(other, rules, expires=later),
        "signed with nothing": engine.tenant_token(engine.Key(uid=key.uid, secret=""), rules, expires=later),
        "not signed": engine.tenant_token(key, rules, expires=later, algorithm="none"),
        "of a key that nobody has": engine.tenant_token(key, rules, expires=later, uid="00000000-0000-4000-8000-000000000000"),
        "every index, signed with another key": engine.tenant_token(other, ["*"], expires=later),
    }
    for how, token in tokens.items():
        reply = engine.ask(client, token, f"/indexes/{index}/search", {"q": theirs.canary})
        yield Found(how=f"a token {how}", reply=reply, act=Act.IMPERSONATE)
    for path in ("/indexes", "/keys", "/stats", "/tasks", f"/indexes/{index}/documents"):
        reply = http.ask(client, "GET", path, headers={"Authorization": f"Bearer {key.secret}"})
        yield Found(how=f"GET {path} with the key of searches", reply=reply, act=Act.IMPERSONATE)


def judge(subject: str, *, own: bool, there: bool, found: list[Found], foreign: str) -> Judgement:
    """FAIL with the first answer that shows the other's, or that lets a forger in; ERROR when nothing could have been found."""
    ended = [(one, outcome_of(one, foreign)) for one in found]
    outcome = worst(each for _, each in ended)
    if outcome is not Outcome.FAIL and not (own and there):
        outcome = Outcome.ERROR
    telling = next((one for one, each in ended if each is outcome), None)
    reason = (
        f"{len(found)} tries came to nothing"
        if outcome is Outcome.PASS
        else "the attacker does not find its own, or nothing of the other's is there"
    )
    if telling is not None and outcome is not Outcome.PASS:
        reason = f"{telling.how}: answered {telling.reply.status}"
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=0,
        observed=sum(each is Outcome.FAIL for _, each in ended),
        positive_control=f"own document found: {own}; the other's is there: {there}",
        evidence=(Evidence(name="answer.txt", content=telling.reply.text),) if telling and outcome is Outcome.FAIL else (),
        trials=tuple(Trial(actor="tenant", store="search", act=one.act, outcome=each) for one, each in ended),
    )


def outcome_of(one: Found, foreign: str) -> Outcome:
    """How one try ended; a query that the engine refuses is refused."""
    if holds(one.reply, foreign):
        return Outcome.FAIL
    if one.act is Act.IMPERSONATE and one.reply.is_success:
        return Outcome.FAIL
    return Outcome.PASS if one.reply.is_success or one.reply.status in _REFUSALS else Outcome.ERROR


def holds(reply: Reply, word: str) -> bool:
    """Whether an answer shows a word beyond the question, which the engine repeats; what is no JSON is read as it is."""
    try:
        said = reply.json()
    except Unobservable:
        return word in reply.text
    parts = said.get("results", [said]) if isinstance(said, dict) else [said]
    return any(word in str({name: value for name, value in part.items() if name not in {"query", "message"}}) for part in parts)


@contextlib.contextmanager
def planted(search: Search, admin: httpx.Client, index: str, pair: tuple[Resident, Resident]) -> Iterator[None]:
    """A document of each tenant, which the engine has indexed; both are removed, also when the attack fails."""
    documents = [{"id": one.canary, search.tenant_field: one.organization_id, "title": one.canary} for one in pair]
    _done(admin, http.ask(admin, "POST", f"/indexes/{index}/documents", value=documents))
    try:
        yield
    finally:
        _done(admin, http.ask(admin, "POST", f"/indexes/{index}/documents/delete-batch", value=[one["id"] for one in documents]))


def _done(admin: httpx.Client, reply: Reply) -> None:
    """Wait until the engine has carried a task out; Unobservable when it has failed."""
    task = http.expect(reply, what="Meilisearch").json()["taskUid"]

    def look() -> str:
        return str(http.expect(http.ask(admin, "GET", f"/tasks/{task}"), what="the task").json()["status"])

    ended = {"succeeded", "failed", "canceled"}
    status = wait.until(look, what="the task is done", within=deadlines.SERVICE_ANSWERS, holds=lambda said: said in ended)
    if status != "succeeded":
        msg = f"Meilisearch's task {task} ended as {status!r}"
        raise Unobservable(msg)
