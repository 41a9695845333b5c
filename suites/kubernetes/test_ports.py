"""Listening ports of pods: the table that was declared, and what really listens."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

from constat.control import control
from constat.judgement import Findings, Judgement, coverage
from constat.observe import kubernetes
from constat.observe import pods as inside
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from constat.observe.kubernetes import Pod
    from constat.observe.pods import Process
    from constat.stack import Listener, Stack


@control(
    "KUB-NET-02",
    severity=Severity.HIGH,
    impact=Impact.OBSERVE,
    needs=("kubernetes", "listeners"),
    promises=("hosts",),
    refs=("CIS Controls 4.8", "NSA/CISA Kubernetes Hardening 3", "ISO 27001 A.8.20"),
    remediation="End what listens without being declared, or declare it in the component's table with its owner's consent.",
)
def test_what_listens_in_pods_equals_the_declared_table(stack: Stack, findings: Findings) -> None:
    """In the pod of every node its declared ports listen, and no other port of any protocol, in any pod of the platform."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        pods = [pod for pod in kubernetes.pods(client) if pod.namespace not in cluster.system and not pod.on_host]
        with concurrent.futures.ThreadPoolExecutor(len(cluster.machines), thread_name_prefix="machine") as pool:
            seen = inside.by_container(process for found in pool.map(inside.look, cluster.machines) for process in found)
    findings.judge(judged(stack.listeners, cluster.node_label, pods, seen))


def judged(declared: Iterable[Listener], label: str, pods: Iterable[Pod], seen: Mapping[str, tuple[Process, ...]]) -> Iterator[Judgement]:
    """One judgement for each pod, and one for each declared node that has none."""
    wanted: dict[str, frozenset[str]] = {}
    for listener in declared:
        wanted[listener.node] = wanted.get(listener.node, frozenset()) | {f"tcp {listener.port}"}
    found = tuple(pods)
    looked = 0
    for pod in found:
        processes = [process for container in pod.containers for process in seen.get(container, ())]
        looked += bool(processes)
        yield judge(str(pod), wanted.get(pod.labels.get(label, ""), frozenset()), processes)
    for node in sorted(wanted.keys() - {pod.labels.get(label) for pod in found}):
        yield Judgement(subject=node, outcome=Outcome.FAIL, reason="no pod of it runs, so none of its declared ports listens")
    yield coverage(looked, len(found), what="pods")


def judge(subject: str, wanted: frozenset[str], processes: Iterable[Process]) -> Judgement:
    """FAIL when anything else listens than is declared, or less."""
    known = tuple(processes)
    if not known:
        return Judgement(subject=subject, outcome=Outcome.ERROR, reason="could not look: no machine shows a process of it")
    listens = frozenset(f"{protocol} {port}" for process in known for protocol, port in process.listens)
    said = [f"{port} listens, which nobody declared" for port in sorted(listens - wanted)]
    said += [f"{port} is declared, and nothing listens there" for port in sorted(wanted - listens)]
    return Judgement(
        subject=subject,
        outcome=Outcome.FAIL if said else Outcome.PASS,
        reason="; ".join(said) or f"{len(listens)} ports listen as declared",
        expected=sorted(wanted),
        observed=sorted(listens),
    )
