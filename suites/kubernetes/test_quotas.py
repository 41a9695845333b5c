"""Quotas: no namespace gets more of the cluster than it was given."""

from __future__ import annotations

import concurrent.futures
import contextlib
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from constat import deadlines, wait
from constat.attempt import Answer
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import kubernetes
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes.canary import remove
from suites.kubernetes.violations import compliant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from constat.observe.http import Reply
    from constat.stack import Kubernetes, Stack

REFUSED: Final = "quota"
ADMITTED: Final = "ok"
# What a namespace must be bounded in, though nobody declared it: it was added by hand.
LEAST: Final = ("pods", "requests.cpu", "requests.memory", "limits.memory", "persistentvolumeclaims", "services.loadbalancers")
_UNITS: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SERVICES: Final = {"services.loadbalancers": "LoadBalancer", "services.nodeports": "NodePort"}
_COUNTED: Final = frozenset({"pods", "count/pods", "persistentvolumeclaims"})
# No machine has it: such a pod is counted, and never runs.
_NOWHERE: Final = {"constat.dev/never": "here"}
_MOST: Final = 200
_AT_ONCE: Final = 4


@control(
    "KUB-QUO-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    refs=("CIS Kubernetes 5.7.1", "OWASP API4:2023", "ISO 27001 A.8.6", "CWE-770"),
    remediation="Give the namespace a ResourceQuota with every resource that is bounded, and a LimitRange with defaults.",
)
def test_no_namespace_gets_more_than_it_was_given(stack: Stack, findings: Findings) -> None:
    """Every namespace is refused one more of each resource than it was given, and a container that says nothing is bounded."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        findings.judge(attack(client, cluster, fill=stack.disposable))


def attack(client: httpx.Client, cluster: Kubernetes, *, fill: bool) -> Iterator[Judgement]:
    """Every resource of every namespace; what is counted is filled up where that may be done."""
    found = kubernetes.namespaces(client, cluster)
    with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="quota") as pool:
        for judgements in pool.map(lambda name: tuple(_namespace(client, cluster, name, fill=fill)), found):
            yield from judgements
    yield coverage(len(found), len(found), what="namespaces")


def _namespace(client: httpx.Client, cluster: Kubernetes, namespace: str, *, fill: bool) -> Iterator[Judgement]:
    declared = cluster.bounds.get(namespace) or dict.fromkeys(LEAST, "")
    live = bounds(kubernetes.items(client, f"/api/v1/namespaces/{namespace}/resourcequotas"))
    busy = any(pod.namespace == namespace for pod in kubernetes.pods(client))
    # What is counted comes last: it is used up for a moment.
    for resource in sorted({*declared, *live}, key=lambda name: (name in _COUNTED, name)):
        subject = f"{namespace}: {resource}"
        bound = declared.get(resource) or live.get(resource, "")
        try:
            yield _resource(client, cluster, subject, bound=bound, may_fill=fill or not busy)
        except Unobservable as problem:
            yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    yield judge_default(namespace, _silent(client, cluster, namespace))


def _resource(client: httpx.Client, cluster: Kubernetes, subject: str, *, bound: str, may_fill: bool) -> Judgement:
    namespace, _, resource = subject.partition(": ")
    if not bound:
        reason = "nobody bounds it: whoever may use the namespace may use the cluster up"
        return Judgement(subject=subject, outcome=Outcome.FAIL, reason=reason, expected="a bound", observed="none")
    kind, twin, more = asked(resource, bound, cluster.image)
    if not kind:
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"nobody knows how to ask for more of {resource!r}")
    if twin is not None and resource not in _COUNTED:
        collection = f"/api/v1/namespaces/{namespace}/{kind}"
        return judge(subject, bound, _create(client, collection, twin, resource), _create(client, collection, more, resource))
    if resource in _SERVICES:
        return _services(client, subject, bound, more)
    if not may_fill:
        reason = "it would have to be used up, and something of the platform's runs there that is not disposable"
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=reason)
    return _filled(client, subject, kind, bound, more)


def _services(client: httpx.Client, subject: str, bound: str, more: dict[str, Any]) -> Judgement:
    """Of none that may be had, one is too many; the twin is a service of the cluster alone."""
    namespace, _, resource = subject.partition(": ")
    collection = f"/api/v1/namespaces/{namespace}/services"
    if amount(bound) != 0:
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"{bound} may be had, and nobody fills them up here")
    twin = {**more, "spec": {**more["spec"], "type": "ClusterIP"}}
    return judge(subject, bound, _create(client, collection, twin, resource), _create(client, collection, more, resource))


def _filled(client: httpx.Client, subject: str, kind: str, bound: str, more: dict[str, Any]) -> Judgement:
    """Really make as many as may be had, and one more; all of them are taken away again."""
    namespace, _, resource = subject.partition(": ")
    collection = f"/api/v1/namespaces/{namespace}/{kind}"
    made: list[str] = []
    first, last = Answer(kind="nothing was tried"), Answer(kind=ADMITTED)
    enough = min(int(amount(bound)), _MOST)
    try:
        for number in range(enough + 2):
            name = f"{more['metadata']['name']}-{number}"
            made.append(name)
            last = _create(client, collection, {**more, "metadata": {"name": name}}, resource, dry=False)
            first = last if number == 0 else first
            if last.kind != ADMITTED:
                break
            if number == enough:
                _await_counted(client, namespace, resource, number + 1)
    finally:
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="remove") as pool:
            for gone in [pool.submit(remove, client, f"{collection}/{name}") for name in made]:
                gone.result()
    _await_room(client, namespace, resource)
    if last.kind == REFUSED and (named := limit(last.shown, resource)) and amount(named) != amount(bound):
        last = Answer(kind=ADMITTED, shown=f"it is bounded by {named}")
    return judge(subject, bound, first, last)


def _await_counted(client: httpx.Client, namespace: str, resource: str, made: int) -> None:
    """Quotas are counted anew while objects come and go, and may be behind by one: what has been counted is what binds."""

    def counted() -> bool:
        quotas = kubernetes.items(client, f"/api/v1/namespaces/{namespace}/resourcequotas")
        return any(amount(quota.get("status", {}).get("used", {}).get(resource, "0")) >= made for quota in quotas)

    with contextlib.suppress(NotReady):  # nobody counts: one more will be admitted
        wait.until(counted, what=f"{namespace} has counted its {resource}", within=deadlines.QUOTA_COUNTED, every=0.3, holds=bool)


def limit(said: str, resource: str) -> str:
    """The bound that a refusal names, or nothing."""
    _, _, limited = said.partition("limited: ")
    return dict(part.strip().split("=", 1) for part in limited.split(",") if "=" in part).get(resource, "")


def _await_room(client: httpx.Client, namespace: str, resource: str) -> None:
    """The cluster counts what is gone a moment later; until then nobody else gets any."""

    def is_full() -> bool:
        quotas = kubernetes.items(client, f"/api/v1/namespaces/{namespace}/resourcequotas")
        statuses = [quota.get("status", {}) for quota in quotas if resource in quota.get("status", {}).get("used", {})]
        return any(amount(status["used"][resource]) >= amount(status["hard"][resource]) for status in statuses)

    try:
        wait.until(is_full, what=f"{namespace} has {resource} again", within=deadlines.QUOTA_FREED, holds=lambda full: not full)
    except NotReady as problem:
        raise Unobservable(str(problem)) from None


def asked(resource: str, bound: str, image: str) -> tuple[str, dict[str, Any] | None, dict[str, Any]]:
    """The kind to ask for, next to nothing of it (where a single one shows it), and more than may be had; an empty kind when unknown."""
    name = f"constat-{secrets.token_hex(4)}"
    pod = compliant(name, image)
    pod["spec"]["nodeSelector"] = _NOWHERE
    claim: dict[str, Any] = {"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "constat-none"}}
    small, large = {"requests": {"storage": "1Mi"}}, {"requests": {"storage": str(amount(bound) + 1) if bound else "1"}}
    if resource in {"pods", "count/pods"}:
        return "pods", pod, pod
    if resource == "persistentvolumeclaims":
        return resource, None, {**claim, "spec": {**claim["spec"], "resources": small}}
    if resource == "requests.storage":
        return (
            "persistentvolumeclaims",
            {**claim, "spec": {**claim["spec"], "resources": small}},
            {**claim, "spec": {**claim["spec"], "resources": large}},
        )
    if resource in _SERVICES:
        return "services", None, {"metadata": {"name": name}, "spec": {"type": _SERVICES[resource], "ports": [{"port": 1}]}}
    where, _, what = resource.rpartition(".")
    if what in {"cpu", "memory", "ephemeral-storage"}:
        return "pods", pod, _asking(pod, where or "requests", what, bound)
    return "", None, {}


def _asking(pod: dict[str, Any], where: str, what: str, bound: str) -> dict[str, Any]:
    """The same pod, asking for more than may be had; what is asked for is never more than the limit."""
    more = str(amount(bound) + 1)
    first, *others = pod["spec"]["containers"]
    limits = {**first["resources"].get("limits", {}), what: more}
    requests = {**first["resources"].get("requests", {}), **({what: more} if where == "requests" else {})}
    return {
        **pod,
        "spec": {**pod["spec"], "containers": [{**first, "resources": {"requests": requests, "limits": limits}}, *others]},
    }


def amount(quantity: str) -> Decimal:
    """A quantity as Kubernetes writes it, as a number: `2Gi`, `500m`, `40`."""
    for unit, factor in _UNITS.items():
        if quantity.endswith(unit):
            return Decimal(quantity.removesuffix(unit)) * factor
    return Decimal(quantity[:-1]) / 1000 if quantity.endswith("m") else Decimal(quantity)


def bounds(quotas: tuple[dict[str, Any], ...]) -> dict[str, str]:
    """The lowest bound of each resource, of all quotas of a namespace that bind everything in it."""
    found: dict[str, str] = {}
    for quota in quotas:
        if not quota["spec"].get("scopes") and not quota["spec"].get("scopeSelector"):
            for resource, bound in quota["spec"].get("hard", {}).items():
                found[resource] = min(found.get(resource, bound), bound, key=amount)
    return found


def _create(client: httpx.Client, collection: str, manifest: dict[str, Any], resource: str, *, dry: bool = True) -> Answer:
    return answer(kubernetes.ask(client, "POST", collection, value=manifest, params=kubernetes.DRY_RUN if dry else {}), resource)


def answer(reply: Reply, resource: str) -> Answer:
    """`ok` when it was admitted, `quota` when a quota of that resource refused it, else the status: another refusal proves nothing."""
    said = kubernetes.message(reply)
    if reply.is_success:
        return Answer(kind=ADMITTED)
    if reply.status == kubernetes.FORBIDDEN and "exceeded quota" in said and f"{resource}=" in said:
        return Answer(kind=REFUSED, shown=said)
    return Answer(kind=f"http {reply.status}", shown=said[:200])


def judge(subject: str, bound: str, twin: Answer, more: Answer) -> Judgement:
    """FAIL when more than the bound is admitted; ERROR when even a little is not, or the refusal has another reason."""
    if more.kind == ADMITTED:
        outcome, reason = Outcome.FAIL, ": ".join(filter(None, (f"more than {bound} is admitted", more.shown)))
    elif twin.kind != ADMITTED:
        outcome, reason = Outcome.ERROR, f"not even a little is admitted: {twin.kind} {twin.shown}"
    elif more.kind != REFUSED:
        outcome, reason = Outcome.ERROR, f"refused for another reason than the quota: {more.kind} {more.shown}"
    else:
        outcome, reason = Outcome.PASS, f"no more than {bound} is admitted"
    return Judgement(
        subject=subject,
        outcome=outcome,
        reason=reason,
        expected=REFUSED,
        observed=more.kind,
        positive_control=f"a little of it: {twin.kind}",
    )


def _silent(client: httpx.Client, cluster: Kubernetes, namespace: str) -> Mapping[str, Any]:
    """The resources of a container that says nothing, as the cluster admits it; empty when it does not."""
    pod = compliant(f"constat-{secrets.token_hex(4)}", cluster.image)
    for each in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]):
        del each["resources"]
    reply = kubernetes.ask(client, "POST", f"/api/v1/namespaces/{namespace}/pods", value=pod, params=kubernetes.DRY_RUN)
    with contextlib.suppress(Unobservable):
        if reply.is_success:
            resources: dict[str, Any] = reply.json()["spec"]["containers"][0].get("resources", {})
            return {**resources, "admitted": True}
    return {"admitted": False, "said": kubernetes.message(reply)}


def judge_default(namespace: str, seen: Mapping[str, Any]) -> Judgement:
    """PASS when it is refused for saying nothing, or given a limit of its memory."""
    limit = seen.get("limits", {}).get("memory", "")
    refused = not seen["admitted"] and "must specify" in seen.get("said", "")
    if not seen["admitted"] and not refused:
        outcome, reason = Outcome.ERROR, f"refused for another reason: {seen.get('said', '')[:200]}"
    elif refused or limit:
        outcome, reason = Outcome.PASS, "it is refused" if refused else f"it is bounded to {limit} of memory"
    else:
        outcome, reason = Outcome.FAIL, "it may use all the memory of its machine"
    return Judgement(
        subject=f"{namespace}: a container that says nothing", outcome=outcome, reason=reason, expected="a bound", observed=limit
    )
