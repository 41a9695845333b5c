"""The audit log: whoever does something to the cluster is in it, and no secret is."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady
from constat.judgement import Findings, Judgement, coverage
from constat.observe import kubernetes
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes.canary import idle, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from constat.stack import Kubernetes, Stack

CONTENT: Final = "content"
# A log that has grown goes on in another file.
_CUT_OFF_MINUTES: Final = 15


@dataclass(frozen=True, order=True)
class Deed:
    """What somebody did: the words of an audit event that say so."""

    user: str
    verb: str
    resource: str
    code: int


@control(
    "KUB-AUD-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("kubernetes",),
    promises=("observability",),
    refs=("CIS Kubernetes 1.2.16", "CIS Kubernetes 3.2.1", "ISO 27001 A.8.15", "CWE-778", "CWE-532"),
    remediation="Give the API server an audit policy that keeps the metadata of every act, and the content of none with Secrets or tokens.",
)
def test_every_act_is_in_the_audit_log_and_no_secret_is(stack: Stack, findings: Findings) -> None:
    """What an administrator, an account and nobody do to the cluster is in its audit log; the content of a Secret or token is not."""
    cluster = kubernetes.required(stack)
    if not cluster.audit_log:
        reason = "the stack names no audit log of its cluster"
        findings.judge([Judgement(subject="audit log", outcome=Outcome.NOT_REVIEWED, reason=reason)])
        return
    with kubernetes.administrator(cluster) as client:
        findings.judge(attack(client, cluster))


def attack(client: httpx.Client, cluster: Kubernetes) -> Iterator[Judgement]:
    """Do each thing under a name that nobody has used before, and look for the name in the log."""
    nonce, canary = f"constat-{secrets.token_hex(8)}", f"canary{secrets.token_hex(16)}"
    namespace = idle(client, cluster)
    done, private = act(client, cluster, namespace=namespace, nonce=nonce, canary=canary)
    expected = frozenset(done)
    with contextlib.suppress(NotReady):  # what is missing by then is judged below
        wait.until(
            lambda: deeds(_found(cluster, nonce)),
            what="everything that was done is in the audit log",
            within=deadlines.AUDITED,
            every=0.5,
            holds=lambda seen: expected <= seen,
        )
    yield from judged(expected, deeds(_found(cluster, nonce)))
    yield judge_content({what for what, word in private.items() if _found(cluster, word)}, frozenset(private))
    yield coverage(len(expected), len(expected), what="kinds of act")


def act(client: httpx.Client, cluster: Kubernetes, *, namespace: str, nonce: str, canary: str) -> tuple[list[Deed], dict[str, str]]:
    """Do something of each kind to objects of that name; what must be in the log, and the words that must not."""
    core = f"/api/v1/namespaces/{namespace}"
    root, account = _myself(client), f"system:serviceaccount:{namespace}:{nonce}"
    secret = {"metadata": {"name": nonce}, "data": {"word": base64.b64encode(canary.encode()).decode()}}
    with (
        standing(client, f"{core}/serviceaccounts", {"metadata": {"name": nonce}}),
        standing(client, f"{core}/secrets", secret),
        standing(client, f"{core}/configmaps", {"metadata": {"name": nonce}, "data": {"word": "public"}}),
    ):
        kubernetes.ask(client, "GET", f"{core}/secrets/{nonce}")
        kubernetes.ask(client, "POST", f"{core}/pods/{nonce}/exec", params={"command": "true", "stdout": "true"})
        token = kubernetes.token(client, namespace, nonce)
        with kubernetes.bearer(cluster, token) as own:
            kubernetes.ask(own, "GET", f"{core}/secrets/{nonce}")
        with kubernetes.bearer(cluster, "") as nobody:
            kubernetes.ask(nobody, "GET", f"{core}/configmaps/{nonce}")
    deeds_done = [
        *(Deed(root, verb, kind, code) for kind in ("secrets", "configmaps") for verb, code in (("create", 201), ("delete", 200))),
        Deed(root, "get", "secrets", 200),
        Deed(root, "create", "serviceaccounts/token", 201),
        Deed(root, "create", "pods/exec", 404),
        Deed(account, "get", "secrets", 403),
        Deed("system:anonymous", "get", "configmaps", 403),
    ]
    coded = base64.b64encode(canary.encode()).decode().rstrip("=")
    return deeds_done, {"a Secret's content": canary, "a Secret's content as it was sent": coded, "a token": token.rpartition(".")[2]}


def _myself(client: httpx.Client) -> str:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    return str(kubernetes.ask(client, "POST", path, value={}).json()["status"]["userInfo"]["username"])


def _found(cluster: Kubernetes, word: str) -> tuple[str, ...]:
    """The lines that hold a word, of the log and of what was cut off from it just now; none when there is no such log at all."""
    directory, _, name = cluster.audit_log.rpartition("/")
    stem, _, ending = name.rpartition(".")
    # The word is told on its input: arguments are everybody's to read.
    # What cannot be read is not in it: then every act is missing.
    files = f"find . -name {shlex.quote(f'{stem}*.{ending}')} -mmin -{_CUT_OFF_MINUTES}"
    search = f"{files} -exec grep -hF -f /dev/stdin {{}} + <<'END' || true\n{word}\nEND\n"
    script = f"cd {shlex.quote(directory)} 2>/dev/null || exit 0\n{search}"
    return tuple(kubernetes.on(kubernetes.control_plane(cluster), script).splitlines())


def deeds(lines: Iterable[str]) -> frozenset[Deed]:
    """What the events of a log say was done."""
    return frozenset(_deed(json.loads(line)) for line in lines)


def _deed(event: dict[str, Any]) -> Deed:
    on = event.get("objectRef", {})
    resource = "/".join(filter(None, (on.get("resource", ""), on.get("subresource", ""))))
    return Deed(event["user"]["username"], event["verb"], resource, event.get("responseStatus", {}).get("code", 0))


def judged(expected: frozenset[Deed], seen: frozenset[Deed]) -> Iterator[Judgement]:
    """FAIL for each deed that the log does not have; of a log without any of them it is the same."""
    for deed in sorted(expected):
        there = deed in seen
        who = "an account" if deed.user.startswith("system:serviceaccount:") else deed.user
        yield Judgement(
            subject=f"{deed.verb} {deed.resource} by {who}",
            outcome=Outcome.PASS if there else Outcome.FAIL,
            reason="it is in the audit log" if there else f"it was done (answer {deed.code}), and is not in the audit log",
            expected=True,
            observed=there,
        )


def judge_content(shown: set[str], tried: frozenset[str]) -> Judgement:
    """FAIL when the log holds what only the Secret and the token themselves should."""
    return Judgement(
        subject=CONTENT,
        outcome=Outcome.FAIL if shown else Outcome.PASS,
        reason=f"the audit log shows {', '.join(sorted(shown))}" if shown else f"the audit log shows none of {', '.join(sorted(tried))}",
        expected=[],
        observed=sorted(shown),
    )
