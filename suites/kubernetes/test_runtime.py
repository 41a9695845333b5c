"""Runtime: what runs in a pod has no more rights than its work needs, whatever its manifest says."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING, Final

from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import kubernetes
from constat.observe import pods as inside
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from constat.observe.kubernetes import Pod
    from constat.observe.pods import Process
    from constat.stack import Stack

# The one capability that the standard lets a container keep: to bind a port below 1024.
_NET_BIND_SERVICE: Final = 1 << 10


@control(
    "KUB-POD-01",
    severity=Severity.CRITICAL,
    impact=Impact.OBSERVE,
    needs=("kubernetes",),
    refs=("CIS Kubernetes 5.2", "CIS Kubernetes 5.1.6", "NSA/CISA Kubernetes Hardening 1.1", "ISO 27001 A.8.2", "CWE-250"),
    remediation="End the pod, confine its manifest as the standard `restricted` says, and find out who let it in.",
)
def test_every_process_in_a_pod_is_confined(stack: Stack, findings: Findings) -> None:
    """No process in a pod is root, holds a capability, a token or a namespace of its machine, or writes to its image."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        known = set(kubernetes.namespaces(client, cluster))
        # Listed before and after: a pod that comes or goes meanwhile is neither.
        before = {str(pod) + pod.uid: pod for pod in kubernetes.pods(client)}
        with concurrent.futures.ThreadPoolExecutor(len(cluster.machines), thread_name_prefix="machine") as pool:
            seen = [process for found in pool.map(inside.look, cluster.machines) for process in found]
        pods = [pod for pod in kubernetes.pods(client) if before.get(str(pod) + pod.uid) == pod and pod.namespace in known]
    findings.judge(judged(pods, inside.by_container(seen)))


def judged(pods: Iterable[Pod], seen: Mapping[str, tuple[Process, ...]]) -> Iterator[Judgement]:
    """One judgement a container; one of which no machine shows a process is ERROR."""
    found = [(pod, container, name) for pod in pods for container, name in pod.containers.items()]
    for pod, container, name in found:
        yield judge(f"{pod}/{name}", seen.get(container, ()))
    looked = sum(container in seen for _, container, _ in found)
    yield coverage(looked, len(found), what="running containers")


def judge(subject: str, processes: tuple[Process, ...]) -> Judgement:
    """FAIL when any of its processes may do what the standard forbids."""
    if not processes:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason="could not look: no machine shows a process of it")
    found = sorted({problem for process in processes for problem in problems(process)})
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if found else Outcome.PASS,
        reason="; ".join(found) or f"{len(processes)} processes are confined",
        expected=[],
        observed=found,
    )


def problems(process: Process) -> Iterator[str]:
    """Everything about a process that the standard, or the platform's own promise, forbids."""
    if 0 in process.uids:
        yield f"{process.name} runs as root"
    if 0 in process.gids:
        yield f"{process.name} runs in root's group"
    if extra := process.capabilities & ~_NET_BIND_SERVICE:
        yield f"{process.name} may have capabilities {extra:#x}"
    if not process.no_new_privs:
        yield f"{process.name} may gain rights by a program that lends them"
    if not process.seccomp:
        yield f"{process.name} calls the kernel unfiltered"
    if process.shared:
        yield f"{process.name} is in its machine's own namespaces: {', '.join(process.shared)}"
    if process.root_is_writable:
        yield f"{process.name} can write to its image"
    if process.has_token:
        yield f"{process.name} holds a token of the cluster's API"
