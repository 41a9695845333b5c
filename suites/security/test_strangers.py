"""Strangers: no store, service or tool of the platform lets somebody in who has proven nothing."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
from typing import TYPE_CHECKING, Final

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http, metrics
from constat.observe import objects as stores
from constat.outcome import Impact, Outcome, Severity
from constat.secrets import secrets_of
from suites.security.approach import Canaries, Ground, approached, named
from suites.security.strangers import apis, broker, buckets, cache, consensus, database, peers, routes, vault, web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constat.attempt import Admission
    from constat.stack import Listener, Stack

    Approach = Callable[[Ground, Listener], Iterable[Admission]]
    Job = Callable[[], Iterable[Judgement]]

# Protocol of a declared listener → what a stranger tries at it.  A protocol that is not here is NOT_REVIEWED, by name.
APPROACHES: Final[dict[str, Approach]] = {
    "postgres": database.approach,
    "redis": cache.approach,
    "amqp": broker.approach,
    "etcd": consensus.approach,
    "https": web.approach,
    "http": web.approach,
    "grpc": peers.approach,
    "etcd-peer": peers.approach,
    "erlang": peers.approach,
    "raft": peers.approach_member,
    "epmd": peers.approach_mapper,
}
_AT_ONCE: Final = 8


@control(
    "SEC-ANO-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("listeners",),
    promises=("isolation.gateway", "isolation.database", "isolation.storage"),
    refs=("OWASP API2:2023", "OWASP ASVS 2.10.1", "CIS Controls 4.7", "ISO 27001 A.8.5", "CWE-306"),
    remediation="Demand a login, a token or a certificate at that door, for that act, and take the right away from everybody.",
)
def test_nobody_lets_a_stranger_in(stack: Stack, canaries: Canaries, findings: Findings) -> None:
    """No listener, bucket, route or API of the platform lets in a client that has proven nothing."""
    ground = grounded(stack, canaries.of(next(iter(stack.tenants), "nobody"), "strangers"))
    findings.judge(attack(ground))


def grounded(stack: Stack, canary: str) -> Ground:
    """Gather what the approaches need; Unobservable when no server could prove who it is."""
    tenants = frozenset(tenant.organization_id for tenant in stack.tenants.values())
    return Ground(
        stack=stack,
        ca=http.authority(stack),
        canary=canary,
        tenant=next(iter(stack.tenants), "constat"),
        private=secrets_of(stack) | tenants,
    )


def attack(ground: Ground) -> Iterator[Judgement]:
    """Every listener by its protocol, then what lies behind listeners: buckets, APIs, routes, local sockets."""
    _await_scrapes(ground.stack)
    listeners = ground.stack.listeners
    jobs: list[Job] = [functools.partial(_listener, ground, listener) for listener in listeners]
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stranger") as pool:
        for judgements in pool.map(lambda job: tuple(job()), [*jobs, *_behind(ground)]):
            yield from judgements
    unknown = tuple(named(listener) for listener in listeners if listener.protocol not in APPROACHES)
    yield coverage(len(listeners) - len(unknown), len(listeners), what="declared listeners", left_out=unknown)


def _listener(ground: Ground, listener: Listener) -> Iterator[Judgement]:
    approach = APPROACHES.get(listener.protocol)
    if approach is None:
        reason = f"nobody knows how a stranger speaks {listener.protocol!r}; add it to the approaches"
        yield Judgement(subject=named(listener), outcome=Outcome.NOT_REVIEWED, reason=reason)
        return
    yield approached(named(listener), functools.partial(approach, ground, listener))
    if listener.name == "patroni":
        yield approached(f"{named(listener)} changes", functools.partial(apis.approach_cluster, ground, listener))


def _behind(ground: Ground) -> Iterator[Job]:
    stack = ground.stack
    for node in stack.postgres.nodes if stack.postgres else ():
        yield _job(f"{node.name}/in clear", functools.partial(database.approach_in_clear, ground, node))
        if node.socket_directory:
            yield _job(f"{node.name}/local socket", functools.partial(database.approach_locally, ground, node))
    if stack.broker is not None:
        yield _job("management API", functools.partial(broker.approach_management, ground))
    if stack.vault is not None:
        yield _job("secret store API", functools.partial(vault.approach, ground))
    if stack.metrics is not None:
        for name, base in (("prometheus", stack.metrics.prometheus), ("alertmanager", stack.metrics.alertmanager)):
            yield _job(f"{name} API", functools.partial(apis.approach_monitoring, ground, name, base))
    yield functools.partial(_buckets, ground)
    yield from (functools.partial(_routes, ground, service) for service in stack.services)


def _job(subject: str, plan: Callable[[], Iterable[Admission]]) -> Job:
    return lambda: [approached(subject, plan)]


def _buckets(ground: Ground) -> Iterator[Judgement]:
    if ground.stack.objects is None:
        return
    try:
        for bucket in stores.buckets(ground.stack.objects):
            with buckets.stand(ground, bucket) as place:
                yield approached(f"bucket {bucket.name}", functools.partial(buckets.approach, ground, place))
    except Unobservable as problem:
        yield Judgement(subject="buckets", outcome=Outcome.ERROR, reason=f"could not look: {problem}")


def _routes(ground: Ground, service: str) -> Iterator[Judgement]:
    try:
        yield from routes.judged(ground, service)
    except Unobservable as problem:
        yield Judgement(subject=f"routes of {service}", outcome=Outcome.ERROR, reason=f"could not look: {problem}")


def _await_scrapes(stack: Stack) -> None:
    """Prometheus vouches for exporters, whose logins nobody else has: on a stack that is a moment old it has not asked them yet."""
    if (monitoring := stack.metrics) is None:
        return
    with contextlib.suppress(NotReady):  # each listener that needs its word will say so itself
        wait.until(
            lambda: metrics.targets(monitoring),
            what="Prometheus has asked everything once",
            within=deadlines.METRICS_SCRAPED,
            retry=(NotReady, Unobservable),
            every=0.5,
            holds=lambda seen: all(target.health != metrics.UNKNOWN for target in seen if not target.is_probe),
        )
