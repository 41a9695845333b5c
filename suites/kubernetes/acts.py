"""What an identity of the cluster may try that leads to more: one act each, decided upon as any other and not carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from constat.attempt import Answer
from constat.observe import kubernetes
from suites.kubernetes.violations import compliant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import httpx

RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
CERTIFICATES: Final = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
ADMITTED: Final = "ok"
REFUSED: Final = "http 403"
_CLUSTER_ADMIN: Final = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}


@dataclass(frozen=True, kw_only=True)
class Act:
    """A request, and what it would lead to."""

    what: str
    method: str
    path: str
    value: Any = None
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What is there to be reached: an image, a machine, and in one namespace an account and perhaps a pod."""

    namespace: str
    image: str
    machine: str
    account: str
    pod: str


def carried_out(client: httpx.Client, act: Act) -> Answer:
    """`ok` unless the server said that this identity may not, or that it is none: whatever else it said, it would have."""
    reply = kubernetes.ask(client, act.method, act.path, value=act.value, params=act.params, headers=act.headers)
    refused = reply.status in {kubernetes.FORBIDDEN, kubernetes.UNAUTHORIZED}
    return Answer(kind=f"http {reply.status}" if refused else ADMITTED, shown=kubernetes.message(reply)[:200])


def escalating(ground: Ground) -> tuple[Act, ...]:
    """Every way known to us by which somebody with a little comes to more, in one namespace."""
    return (*_in_namespace(ground), *_in_cluster(ground))


def listing(resources: Iterable[Mapping[str, Any]], group: str, namespace: str) -> Iterator[Act]:
    """Read every collection of a group, as discovery describes it: of a namespace, or of the whole cluster."""
    for resource in resources:
        if "list" in resource["verbs"] and "/" not in resource["name"]:
            within = f"/namespaces/{namespace}" if resource["namespaced"] and namespace else ""
            yield Act(what=f"list {resource['name']}", method="GET", path=f"{group}{within}/{resource['name']}", params={"limit": "1"})


def groups(client: httpx.Client) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Every group of resources by its path, as discovery names them."""
    known = kubernetes.ask(client, "GET", "/apis").json()["groups"]
    paths = ["/api/v1", *(f"/apis/{version['groupVersion']}" for group in known for version in (group["preferredVersion"],))]
    replies = {path: kubernetes.ask(client, "GET", path) for path in paths}
    return {path: tuple(reply.json()["resources"]) for path, reply in replies.items() if reply.is_success}


def _in_namespace(ground: Ground) -> Iterator[Act]:
    core, apps = f"/api/v1/namespaces/{ground.namespace}", f"/apis/apps/v1/namespaces/{ground.namespace}"
    named = ground.pod or "constat-nobody"
    pod, rbac = f"{core}/pods/{named}", f"{RBAC}/namespaces/{ground.namespace}"
    binding = {"metadata": {"name": "constat"}, "roleRef": _CLUSTER_ADMIN, "subjects": [{"kind": "User", "name": "constat"}]}
    key = {"metadata": {"name": "constat", "annotations": {"kubernetes.io/service-account.name": ground.account}}}
    pods = compliant("constat", ground.image)
    yield _dry("start a pod", "POST", f"{core}/pods", pods)
    yield Act(what="a shell in a pod", method="POST", path=f"{pod}/exec", params={"command": "true", "stdout": "true"})
    yield Act(what="attach to a pod", method="POST", path=f"{pod}/attach", params={"stdout": "true"})
    yield Act(what="forward a port of a pod", method="POST", path=f"{pod}/portforward", params={"ports": "1"})
    yield Act(what="read a pod's log", method="GET", path=f"{pod}/log", params={"limitBytes": "1"})
    yield _dry("debug a pod", "PATCH", f"{pod}/ephemeralcontainers", {"spec": {}}, patch=True)
    yield _dry("evict a pod", "POST", f"{pod}/eviction", {"metadata": {"name": named}, "deleteOptions": {"dryRun": ["All"]}})
    yield _dry("a token of an account", "POST", f"{core}/serviceaccounts/{ground.account}/token", {"spec": {}})
    yield _dry("a lasting token of an account", "POST", f"{core}/secrets", {**key, "type": "kubernetes.io/service-account-token"})
    yield _dry("bind a role", "POST", f"{rbac}/rolebindings", binding)
    yield _dry("make a role", "POST", f"{rbac}/roles", {"metadata": {"name": "constat"}, "rules": _everything()})
    yield _dry("loosen Pod Security", "PATCH", f"/api/v1/namespaces/{ground.namespace}", {"metadata": {"labels": {}}}, patch=True)
    yield _dry("open the network", "DELETE", f"/apis/networking.k8s.io/v1/namespaces/{ground.namespace}/networkpolicies/constat")
    yield _dry("lift the quotas", "DELETE", f"{core}/resourcequotas/constat")
    yield _dry("start a job", "POST", f"/apis/batch/v1/namespaces/{ground.namespace}/jobs", {"metadata": {"name": "constat"}})
    yield _dry("change a workload", "PATCH", f"{apps}/statefulsets/constat", {"spec": {}}, patch=True)
    yield _dry("start pods on every machine", "POST", f"{apps}/daemonsets", {"metadata": {"name": "constat"}})
    yield _dry("redirect a service", "PATCH", f"{core}/services/constat", {"spec": {}}, patch=True)


def _in_cluster(ground: Ground) -> Iterator[Act]:
    named = {"metadata": {"name": "constat"}}
    disguise = {"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"}
    bound = {**named, "roleRef": _CLUSTER_ADMIN, "subjects": []}
    request = {**named, "spec": {"request": "", "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}}
    volume = {**named, "spec": {"capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/"}}}
    yield Act(what="be somebody else", method="GET", path="/api/v1/namespaces", headers=disguise)
    yield _dry("bind a role of the cluster", "POST", f"{RBAC}/clusterrolebindings", bound)
    yield _dry("make a role of the cluster", "POST", f"{RBAC}/clusterroles", {**named, "rules": _everything()})
    yield _dry("widen a role of the cluster", "PATCH", f"{RBAC}/clusterroles/view", {"rules": _everything()}, patch=True)
    yield _dry("ask for a certificate", "POST", CERTIFICATES, request)
    yield _dry("approve a certificate", "PATCH", f"{CERTIFICATES}/constat/approval", {"status": {}}, patch=True)
    yield _dry("a volume of a machine's files", "POST", "/api/v1/persistentvolumes", volume)
    yield _dry("change what is admitted", "POST", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", named)
    yield _dry("change the name server", "PATCH", "/api/v1/namespaces/kube-system/configmaps/coredns", {"data": {}}, patch=True)
    yield _dry("relabel a machine", "PATCH", f"/api/v1/nodes/{ground.machine}", {"metadata": {"labels": {}}}, patch=True)
    yield Act(what="a machine's kubelet", method="GET", path=f"/api/v1/nodes/{ground.machine}/proxy/pods")
    yield Act(what="the API server's own figures", method="GET", path="/metrics")
    yield Act(what="the API server's own files", method="GET", path="/logs/")


def _dry(what: str, method: str, path: str, value: object = None, *, patch: bool = False) -> Act:
    headers = {"Content-Type": kubernetes.MERGE} if patch else {}
    return Act(what=what, method=method, path=path, value=value, params=kubernetes.DRY_RUN, headers=headers)


def _everything() -> list[dict[str, list[str]]]:
    return [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
