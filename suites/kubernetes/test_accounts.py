"""Accounts: what the real token of each service account lets its holder do."""

from __future__ import annotations

import concurrent.futures
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import http, kubernetes
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes.acts import ADMITTED, REFUSED, Act, Ground, carried_out, escalating, groups, listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import httpx

    from constat.attempt import Answer
    from constat.stack import Kubernetes, Stack

_REVIEWS: Final = frozenset({"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
# What Kubernetes lets everybody read who is somebody: that the server lives, and which resources there are.
_PUBLIC: Final = frozenset(
    {"/healthz", "/livez", "/readyz", "/version", "/version/", "/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*"}
    | {"/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"}
)
_AT_ONCE: Final = 6


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of one account: who it is, the rules that it is granted, and how its acts ended."""

    name: str
    granted: tuple[str, ...]
    acts: Mapping[str, Answer]


@dataclass(frozen=True, kw_only=True)
class Field:
    """What all accounts try, whatever their namespace, and where they are asked what they are granted."""

    grounds: Mapping[str, Ground]
    collections: Mapping[str, tuple[Mapping[str, Any], ...]]
    everywhere: tuple[str, ...]


@control(
    "KUB-ACC-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    refs=("CIS Kubernetes 5.1", "NSA/CISA Kubernetes Hardening 4", "OWASP K03:2022", "ISO 27001 A.8.2", "CWE-269"),
    remediation="Remove the binding that grants it; give the account a role with the one verb and object that it needs, if any.",
)
def test_no_account_of_the_platform_may_do_anything_in_the_cluster(stack: Stack, findings: Findings) -> None:
    """The real token of no service account reads, changes or becomes anything in the cluster, in any namespace."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        findings.judge(attack(client, cluster))


def attack(client: httpx.Client, cluster: Kubernetes) -> Iterator[Judgement]:
    """Every account of every namespace; the administrator is the twin of each act."""
    known = set(kubernetes.namespaces(client, cluster))
    entries = [entry["metadata"] for entry in kubernetes.items(client, "/api/v1/serviceaccounts")]
    accounts = [(entry["namespace"], entry["name"]) for entry in entries if entry["namespace"] in known]
    field = _field(client, cluster, sorted(known))
    twins = {act.what: carried_out(client, act) for act in _acts(field, accounts[0][0])}
    yield judge_twins(twins)
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="account") as pool:
        yield from pool.map(lambda account: _account(client, cluster, field, account), accounts)
    yield coverage(len(accounts), len(accounts), what="service accounts")


def _field(client: httpx.Client, cluster: Kubernetes, known: Iterable[str]) -> Field:
    running = {pod.namespace: pod.name for pod in kubernetes.pods(client)}
    everywhere = tuple(entry["metadata"]["name"] for entry in kubernetes.items(client, "/api/v1/namespaces"))
    machine = cluster.machines[0].name
    grounds = {
        name: Ground(namespace=name, image=cluster.image, machine=machine, account="default", pod=running.get(name, "")) for name in known
    }
    return Field(grounds=grounds, collections=groups(client), everywhere=everywhere)


def _acts(field: Field, namespace: str) -> tuple[Act, ...]:
    lists = (act for path, resources in field.collections.items() for act in listing(resources, path, namespace))
    return (*escalating(field.grounds[namespace]), *lists)


def _account(client: httpx.Client, cluster: Kubernetes, field: Field, account: tuple[str, str]) -> Judgement:
    name = "/".join(account)
    try:
        with kubernetes.bearer(cluster, kubernetes.token(client, *account)) as own:
            _require(own, f"system:serviceaccount:{account[0]}:{account[1]}")
            granted = tuple(sorted({rule for namespace in field.everywhere for rule in rules(own, namespace)}))
            return judge(Seen(name=name, granted=granted, acts={act.what: carried_out(own, act) for act in _acts(field, account[0])}))
    except Unobservable as problem:
        return Judgement(subject=name, outcome=Outcome.ERROR, reason=f"could not look: {problem}")


def _require(own: httpx.Client, name: str) -> None:
    """Its token is good: else every refusal would only say that nobody is let in."""
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    said = http.expect(kubernetes.ask(own, "POST", path, value={}), what=f"the token of {name}").json()
    if said["status"]["userInfo"]["username"] != name:
        msg = f"the token of {name!r} is taken for {said['status']['userInfo']['username']!r}"
        raise Unobservable(msg)


def rules(own: httpx.Client, namespace: str, headers: Iterable[tuple[str, str]] = ()) -> Iterator[str]:
    """What the server says that an identity may do in a namespace, beyond what everybody may; headers may say who asks."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    reply = http.expect(kubernetes.ask(own, "POST", path, value={"spec": {"namespace": namespace}}, headers=tuple(headers)), what=path)
    yield from beyond(reply.json()["status"], namespace)


def beyond(status: Mapping[str, Any], namespace: str) -> Iterator[str]:
    """The rules of a review that Kubernetes does not grant everybody, one line each."""
    for rule in status.get("resourceRules", ()):
        if not (set(rule["verbs"]) <= {"create"} and set(rule.get("resources", ())) <= _REVIEWS):
            names = f" named {', '.join(rule['resourceNames'])}" if rule.get("resourceNames") else ""
            yield f"{'/'.join(rule['verbs'])} {', '.join(rule.get('resources', ()))}{names} in {namespace}"
    for rule in status.get("nonResourceRules", ()):
        if not (set(rule["verbs"]) <= {"get"} and set(rule.get("nonResourceURLs", ())) <= _PUBLIC):
            yield f"{'/'.join(rule['verbs'])} {', '.join(rule.get('nonResourceURLs', ()))}"


def judge(seen: Seen) -> Judgement:
    """FAIL for what an account is granted or does; ERROR when an act was refused in another way than by its rights."""
    admitted = sorted(what for what, answer in seen.acts.items() if answer.kind == ADMITTED)
    other = sorted(f"{what}: {answer.kind}" for what, answer in seen.acts.items() if answer.kind not in {ADMITTED, REFUSED})
    found = [*(f"may {rule}" for rule in seen.granted), *(f"did: {what}" for what in admitted)]
    if found:
        outcome, reason = Outcome.FAIL, f"its token is good for {len(found)} things, among them: {'; '.join(found[:4])}"
    elif other or not seen.acts:
        outcome, reason = Outcome.ERROR, f"refused in another way than by its rights: {(other or ['nothing was tried'])[0]}"
    else:
        outcome, reason = Outcome.PASS, f"refused {len(seen.acts)} acts"
    return Judgement(
        subject=seen.name, outcome=outcome, reason=reason, expected=[], observed=found, positive_control="its token says who it is"
    )


def judge_twins(twins: Mapping[str, Answer]) -> Judgement:
    """ERROR when the administrator is refused an act that the accounts are tried with: refusing them would prove nothing."""
    refused = sorted(f"{what}: {answer.kind} {answer.shown}" for what, answer in twins.items() if answer.kind != ADMITTED)
    return Judgement(
        subject="administrator",
        outcome=Outcome.ERROR if refused or not twins else Outcome.PASS,
        reason=f"is refused: {'; '.join(refused[:3])}" if refused else f"is let do all {len(twins)} acts",
        expected=[],
        observed=refused,
    )
