"""Admission: what the standard `restricted` forbids is refused in every namespace."""

from __future__ import annotations

import concurrent.futures
import functools
import secrets
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Answer
from constat.control import control
from constat.errors import Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import kubernetes
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes.violations import EPHEMERAL, compliant, debugger, debugging, violating

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from constat.observe.http import Reply
    from constat.stack import Kubernetes, Stack

REFUSED: Final = "PodSecurity"
ADMITTED: Final = "ok"
_AT_ONCE: Final = 4


@control(
    "KUB-PSA-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    refs=("CIS Kubernetes 5.2", "NSA/CISA Kubernetes Hardening 1.2", "ISO 27001 A.8.9", "CWE-250"),
    remediation="Label the namespace `pod-security.kubernetes.io/enforce=restricted`, and end the pods that came in meanwhile.",
)
def test_no_namespace_admits_a_pod_that_the_standard_forbids(stack: Stack, findings: Findings) -> None:
    """Every namespace refuses a pod for each way to break the standard `restricted`, and admits one that keeps it."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        findings.judge(attack(client, cluster))


def attack(client: httpx.Client, cluster: Kubernetes) -> Iterator[Judgement]:
    """Every namespace, with every pod, by dry run: admission decides upon it as upon any other."""
    found = kubernetes.namespaces(client, cluster)
    running = {pod.namespace: pod.name for pod in kubernetes.pods(client)}
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="admission") as pool:
        yield from pool.map(lambda name: _namespace(client, cluster, name, running.get(name, "")), found)
    yield coverage(len(found), len(found), what="namespaces")


def _namespace(client: httpx.Client, cluster: Kubernetes, namespace: str, running: str) -> Judgement:
    try:
        twins, tried = _tried(client, cluster, namespace, running)
    except Unobservable as problem:
        return Judgement(subject=namespace, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return judge(namespace, twins, tried)


def _tried(client: httpx.Client, cluster: Kubernetes, namespace: str, running: str) -> tuple[dict[str, Answer], dict[str, Answer]]:
    name, create = f"constat-{secrets.token_hex(4)}", functools.partial(_create, client, namespace)
    twins = {"a pod": create(compliant(name, cluster.image))}
    tried = {what: create(pod) for what, pod in violating(name, cluster.image).items()}
    if running:
        add = functools.partial(_add, client, f"/api/v1/namespaces/{namespace}/pods/{running}")
        twins[EPHEMERAL] = add(debugger(cluster.image))
        tried |= {what: add(each) for what, each in debugging(cluster.image).items()}
    return twins, tried


def _create(client: httpx.Client, namespace: str, pod: dict[str, Any]) -> Answer:
    return answer(kubernetes.ask(client, "POST", f"/api/v1/namespaces/{namespace}/pods", value=pod, params=kubernetes.DRY_RUN))


def _add(client: httpx.Client, path: str, each: dict[str, Any]) -> Answer:
    headers = {"Content-Type": "application/strategic-merge-patch+json"}
    change = {"spec": {EPHEMERAL: [each]}}
    return answer(kubernetes.ask(client, "PATCH", f"{path}/ephemeralcontainers", value=change, params=kubernetes.DRY_RUN, headers=headers))


def answer(reply: Reply) -> Answer:
    """`ok` when it was admitted, `PodSecurity` when the standard refused it, else the status: refused for another reason proves nothing."""
    said = kubernetes.message(reply)
    if reply.is_success:
        return Answer(kind=ADMITTED)
    if reply.status == kubernetes.FORBIDDEN and f"violates {REFUSED}" in said:
        return Answer(kind=REFUSED, shown=said)
    return Answer(kind=f"http {reply.status}", shown=said)


def judge(namespace: str, twins: Mapping[str, Answer], tried: Mapping[str, Answer]) -> Judgement:
    """FAIL when anything forbidden is admitted; ERROR when what is allowed is not, or a refusal has another reason."""
    admitted = sorted(what for what, seen in tried.items() if seen.kind == ADMITTED)
    shut = [f"{what}: {seen.kind} {seen.shown}" for what, seen in twins.items() if seen.kind != ADMITTED]
    other = [f"{what}: {seen.kind} {seen.shown}" for what, seen in tried.items() if seen.kind not in {ADMITTED, REFUSED}]
    if admitted:
        outcome, reason = Outcome.FAIL, f"admits {len(admitted)} of {len(tried)} forbidden pods: {', '.join(admitted[:4])}"
    elif shut:
        outcome, reason = Outcome.ERROR, f"what keeps the standard is not admitted: {shut[0][:200]}"
    elif other or not tried:
        outcome, reason = Outcome.ERROR, f"refused for another reason: {(other or ['nothing was tried'])[0][:200]}"
    else:
        outcome, reason = Outcome.PASS, f"refused {len(tried)} forbidden pods"
    twin = ", ".join(f"{what} that keeps the standard: {seen.kind}" for what, seen in twins.items())
    return Judgement(subject=namespace, outcome=outcome, reason=reason, expected=[], observed=admitted, positive_control=twin)
