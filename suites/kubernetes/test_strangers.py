"""Strangers: who proves nothing, or proves it with what is good no more, is let in at no door of the cluster."""

from __future__ import annotations

import contextlib
import datetime
import functools
import secrets
import ssl
from typing import TYPE_CHECKING, Final

import httpx

from constat import deadlines, wait
from constat.attempt import Admission, Answer, admission
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import etcd, http, kubernetes
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes import forged
from suites.kubernetes.acts import Act, Ground, escalating, groups, listing
from suites.kubernetes.canary import idle, standing
from suites.kubernetes.test_accounts import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constat.stack import ClusterMachine, Kubernetes, Stack

REFUSALS: Final = frozenset({"http 401", "http 403", "closed"})
UNKNOWN: Final = frozenset({"http 401", "closed"})
KUBELET: Final = 10250
KUBELET_IN_CLEAR: Final = 10255
_KUBELETS_PATHS: Final = ("/pods", "/runningpods/", "/metrics", "/configz", "/logs/", "/stats/summary", "/debug/pprof/")
_WHO: Final = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
# Who anybody is taken for: without a credential, and with any.
ANYBODY: Final = {"system:anonymous": ("system:unauthenticated",), "constat-probe": ("system:authenticated",)}
# Where the API is, and who vouches for it: what a machine that joins must know beforehand.
BY_KUBEADM: Final = frozenset({"get configmaps named cluster-info in kube-public"})
_PROBE: Final = "constat-probe"


@control(
    "KUB-ANO-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    refs=("CIS Kubernetes 1.2.1", "CIS Kubernetes 4.2.1", "CIS Kubernetes 5.1.1", "ISO 27001 A.8.5", "CWE-306", "CWE-613"),
    remediation="Unbind what grants anything to `system:anonymous`, and demand a certificate at the kubelets and the store.",
)
def test_no_door_of_the_cluster_is_open_to_strangers(stack: Stack, findings: Findings) -> None:
    """API, kubelets and store refuse whoever proves nothing, and the API every credential that is forged or has expired."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        findings.judge(attack(client, cluster))


def attack(client: httpx.Client, cluster: Kubernetes) -> Iterator[Judgement]:
    """Nobody at each door, then everybody who is not who they say at the API."""
    yield from _judged("nobody at the API", functools.partial(_nobody, client, cluster))
    for machine in cluster.machines:
        yield from _judged(f"nobody at the kubelet of {machine.name}", functools.partial(_kubelet, cluster, machine))
    yield from _judged("nobody at the store", functools.partial(_store, cluster))
    yield from _judged("tokens", functools.partial(_tokens, client, cluster))
    yield from _judged("certificates", functools.partial(_certificates, cluster))
    for who, groups_of in ANYBODY.items():
        yield _granted(client, who, groups_of)
    doors = len(cluster.machines) + 2
    yield coverage(doors, doors, what="doors of the cluster")


def _judged(subject: str, plan: Callable[[], Iterable[Judgement]]) -> Iterator[Judgement]:
    """The worst of what was tried first; what could not be prepared is ERROR."""
    try:
        tried = tuple(plan())
    except Unobservable as problem:
        yield Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
        return
    yield summed(subject, tried)


def summed(subject: str, tried: Iterable[Judgement]) -> Judgement:
    """One judgement of several acts: as bad as the worst, which it names."""
    acts = tuple(tried)
    worst = max(acts, key=lambda act: act.outcome.badness, default=None)
    if worst is None:
        return Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason="nothing was tried")
    bad = [act for act in acts if act.outcome is worst.outcome]
    reason = f"refused {len(acts)} acts" if worst.outcome is Outcome.PASS else "; ".join(f"{act.subject} {act.reason}" for act in bad[:4])
    return Judgement(
        subject=subject,
        outcome=worst.outcome,
        reason=reason,
        expected=[],
        observed=[] if worst.outcome is Outcome.PASS else [act.subject for act in bad],
        positive_control=worst.positive_control,
    )


def _nobody(client: httpx.Client, cluster: Kubernetes) -> Iterator[Judgement]:
    ground = Ground(namespace=idle(client, cluster), image=cluster.image, machine=cluster.machines[0].name, account="default", pod="")
    lists = (act for path, resources in groups(client).items() for act in listing(resources, path, ""))
    # Discovery is asked as well: whoever is nobody needs to know nothing of the cluster.
    known = (Act(what="discovery", method="GET", path="/apis"), Act(what="the API's description", method="GET", path="/openapi/v3"))
    with kubernetes.bearer(cluster, "") as nobody:
        for act in (*escalating(ground), *lists, *known):
            yield admission(_admission(act, client, nobody))


def _admission(act: Act, known: httpx.Client, other: httpx.Client, *, refusals: frozenset[str] = REFUSALS) -> Admission:
    return Admission(
        subject=act.what,
        refusals=refusals,
        authorised=functools.partial(tried, known, act),
        unauthorised=functools.partial(tried, other, act),
    )


def tried(client: httpx.Client, act: Act) -> Answer:
    """`ok` unless it was refused for who asks, or nobody talks to them at all."""
    try:
        answer = client.request(act.method, act.path, json=act.value, params=dict(act.params), headers=dict(act.headers))
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError) as problem:
        return Answer(kind="closed", shown=str(problem))
    except httpx.HTTPError as problem:
        msg = f"no answer to {act.method} {act.path!r}: {type(problem).__name__}: {problem}"
        raise Unobservable(msg) from None
    refused = answer.status_code in {kubernetes.UNAUTHORIZED, kubernetes.FORBIDDEN}
    return Answer(kind=f"http {answer.status_code}" if refused else "ok", shown=answer.text[:200])


def _kubelet(cluster: Kubernetes, machine: ClusterMachine) -> Iterator[Judgement]:
    own = (etcd.material(cluster, "apiserver-kubelet-client.crt"), etcd.material(cluster, "apiserver-kubelet-client.key"))
    base = f"https://{machine.address}:{KUBELET}"
    with etcd.placed(*own) as pem, _unverified(base, pem) as known, _unverified(base) as nobody:
        for path in _KUBELETS_PATHS:
            yield admission(_admission(Act(what=path, method="GET", path=path), known, nobody))
        clear = Act(what="in clear", method="GET", path=f"http://{machine.address}:{KUBELET_IN_CLEAR}/pods")
        twin = Act(what="by TLS", method="GET", path="/pods")
        yield admission(
            Admission(
                subject=clear.what,
                refusals=REFUSALS,
                authorised=functools.partial(tried, known, twin),
                unauthorised=functools.partial(tried, nobody, clear),
            )
        )


def _unverified(base: str, pem: str = "") -> httpx.Client:
    """Speak to a kubelet, whose certificate nobody vouches for unless somebody has set that up."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if pem:
        context.load_cert_chain(pem)
    return httpx.Client(base_url=base, verify=context, timeout=deadlines.CLUSTER_ANSWERS, trust_env=False)


def _granted(client: httpx.Client, who: str, groups_of: tuple[str, ...]) -> Judgement:
    """What the API itself says that anybody may, in each namespace, beyond what Kubernetes grants everybody."""
    subject = f"what {who} is granted"
    # Asking takes being somebody: what that adds is granted everybody, and is left out.
    disguise = [("Impersonate-User", who), *(("Impersonate-Group", group) for group in {*groups_of, "system:authenticated"})]
    try:
        names = [entry["metadata"]["name"] for entry in kubernetes.items(client, "/api/v1/namespaces")]
        found = sorted({rule for name in names for rule in rules(client, name, disguise)} - BY_KUBEADM)
    except Unobservable as problem:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason=f"may {'; '.join(found[:4])}" if found else "nothing but to see that the API is there",
        expected=[],
        observed=found,
    )


def _store(cluster: Kubernetes) -> Iterator[Judgement]:
    with etcd.connect(cluster) as known, _unverified(str(known.base_url)) as nobody:
        for act in (
            Act(what="version", method="GET", path="/version"),
            Act(
                what="read everything",
                method="POST",
                path="/v3/kv/range",
                value={"key": "AA==", "range_end": "AA==", "keys_only": True, "limit": 1},
            ),
        ):
            yield admission(_admission(act, known, nobody))


def _tokens(client: httpx.Client, cluster: Kubernetes) -> Iterator[Judgement]:
    namespace, key = idle(client, cluster), etcd.material(cluster, "sa.key")
    name = f"constat-{secrets.token_hex(4)}"
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    with standing(client, path, {"metadata": {"name": name}}):
        token = kubernetes.token(client, namespace, name)
        forgeries = {
            "one that has expired": forged.expired(token, key),
            "one that is not good yet": forged.early(token, key),
            "one for another audience": forged.elsewhere(token, key),
            "one signed by somebody else": forged.foreign(token),
            "one that is not signed": forged.unsigned(token),
            "one whose claims were altered": forged.altered(token),
            "no token at all": "constat",
        }
        with kubernetes.bearer(cluster, forged.renewed(token, key)) as known:
            yield from _presented(known, cluster, forgeries)
    # Of an account that is gone; it was never shown while it was good, so that no server remembers it.
    with kubernetes.bearer(cluster, token) as gone:
        act = Act(what="one whose account is gone", method="POST", path=_WHO, value={})
        _await_forgotten(gone, act)
        yield admission(_admission(act, client, gone, refusals=UNKNOWN))


def _await_forgotten(gone: httpx.Client, act: Act) -> None:
    """Servers hear of it a moment later, and have no longer than that."""
    with contextlib.suppress(NotReady):  # whoever is still let in then is judged as it is
        wait.until(
            lambda: tried(gone, act),
            what="the account is gone for the API",
            within=deadlines.ACCOUNT_GONE,
            holds=lambda answer: answer.kind in UNKNOWN,
        )


def _presented(known: httpx.Client, cluster: Kubernetes, forgeries: dict[str, str]) -> Iterator[Judgement]:
    for what, token in forgeries.items():
        with kubernetes.bearer(cluster, token) as other:
            yield admission(_admission(Act(what=what, method="POST", path=_WHO, value={}), known, other, refusals=UNKNOWN))


def _certificates(cluster: Kubernetes) -> Iterator[Judgement]:
    ca, key = etcd.material(cluster, "ca.crt"), etcd.material(cluster, "ca.key")
    issued = functools.partial(forged.certificate, _PROBE, ca=ca, key=key)
    minute = datetime.timedelta(minutes=1)
    forgeries = {
        "one that has expired": issued(begins=-2 * forged.HOUR, ends=-forged.HOUR),
        "one that is not good yet": issued(begins=forged.HOUR, ends=2 * forged.HOUR),
        "one of another authority": forged.self_signed(_PROBE),
    }
    with _by_certificate(cluster, issued(begins=-minute, ends=forged.HOUR)) as known:
        for what, pem in forgeries.items():
            with _by_certificate(cluster, pem) as other:
                yield admission(_admission(Act(what=what, method="POST", path=_WHO, value={}), known, other, refusals=UNKNOWN))


@contextlib.contextmanager
def _by_certificate(cluster: Kubernetes, pem: bytes) -> Iterator[httpx.Client]:
    with etcd.placed(pem) as path, http.client(cluster.ca, cluster.url, certificate=http.Certificate(cert=path)) as client:
        yield client
