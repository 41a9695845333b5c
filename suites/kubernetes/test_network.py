"""The network: who is declared to talk to whom does, and nobody else can."""

from __future__ import annotations

import concurrent.futures
import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady, Unobservable
from constat.judgement import Findings, Judgement, coverage
from constat.observe import kubernetes, reach
from constat.observe import pods as inside
from constat.outcome import Impact, Outcome, Severity
from suites.kubernetes import matrix
from suites.kubernetes.canary import standing
from suites.kubernetes.matrix import Place, Vantage
from suites.kubernetes.violations import compliant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import httpx

    from constat.observe.kubernetes import Pod
    from constat.observe.pods import Process
    from constat.stack import Kubernetes, Listener, Stack

    Opened = dict[str, dict[str, bool]]  # vantage → place → whether it is open from there

_PREFIX: Final = "constat-look-"


@dataclass(frozen=True, kw_only=True)
class Map:
    """The cluster as it was a moment ago: what listens, and from where it is tried."""

    cluster: Kubernetes
    listeners: tuple[Listener, ...]
    places: tuple[Place, ...]
    vantages: tuple[Vantage, ...]
    known: int  # pods with a network of their own
    unproven: tuple[str, ...]  # what listens by another protocol than TCP

    def own(self, vantage: Vantage) -> tuple[str, ...]:
        """The doors of the pod itself, which its own network does not keep from it."""
        return tuple(place.name for place in self.places if place.door.address == vantage.address and not vantage.is_machine)

    def wanted(self, vantage: Vantage) -> dict[str, bool]:
        """Each door that is tried from there, and whether it is declared open."""
        tried = matrix.tried(vantage, self.places)
        return {place.name: matrix.expected(vantage, place, self.cluster, self.listeners) for place in tried}


@control(
    "KUB-NET-01",
    severity=Severity.CRITICAL,
    impact=Impact.PROBE,
    needs=("kubernetes", "listeners"),
    promises=("discovery",),
    refs=("CIS Kubernetes 5.3.2", "NSA/CISA Kubernetes Hardening 3", "ISO 27001 A.8.22", "CWE-923"),
    remediation="Restore the namespace's default-deny policies, and open exactly the flow that the architecture declares.",
)
def test_every_pod_reaches_what_is_declared_and_nothing_else(stack: Stack, findings: Findings) -> None:
    """From every pod, a pod of a stranger in every namespace and every machine, each port that listens is open exactly where declared."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client, strangers(client, cluster):
        findings.judge(attack(survey(client, cluster, stack.listeners)))


@contextlib.contextmanager
def strangers(client: httpx.Client, cluster: Kubernetes) -> Iterator[None]:
    """A pod in every namespace of the platform that is nobody's, for as long as the block lasts; Unobservable when one does not run."""
    with contextlib.ExitStack() as made:
        names = []
        for namespace in kubernetes.namespaces(client, cluster):
            pod = compliant(f"{_PREFIX}{secrets.token_hex(4)}", cluster.image)
            del pod["spec"]["initContainers"]  # it never ends
            made.enter_context(standing(client, f"/api/v1/namespaces/{namespace}/pods", pod))
            names.append(f"{namespace}/{pod['metadata']['name']}")
        _await(client, frozenset(names))
        yield


def _await(client: httpx.Client, names: frozenset[str]) -> None:
    try:
        wait.until(
            lambda: names - {str(pod) for pod in kubernetes.pods(client) if pod.containers and pod.address},
            what="the probe pods run",
            within=deadlines.POD_RUNS,
            every=0.3,
            holds=lambda missing: not missing,
        )
    except NotReady as problem:
        raise Unobservable(str(problem)) from None


def survey(client: httpx.Client, cluster: Kubernetes, listeners: tuple[Listener, ...]) -> Map:
    """Look once at everything: pods, services, and what their processes listen on."""
    pods = [pod for pod in kubernetes.pods(client) if not pod.on_host]
    with concurrent.futures.ThreadPoolExecutor(len(cluster.machines), thread_name_prefix="machine") as pool:
        seen = inside.by_container(process for found in pool.map(inside.look, cluster.machines) for process in found)
    return Map(
        cluster=cluster,
        listeners=listeners,
        places=matrix.places(pods, kubernetes.services(client), seen, cluster),
        vantages=(*vantages(pods, seen, cluster), *_machines(cluster)),
        known=len(pods),
        unproven=tuple(
            f"{pod} udp {port}" for pod in pods if pod.namespace not in cluster.system for port in matrix.ports(pod, seen, "udp")
        ),
    )


def vantages(pods: Iterable[Pod], seen: Mapping[str, tuple[Process, ...]], cluster: Kubernetes) -> Iterator[Vantage]:
    """Every pod in whose network a process was seen."""
    for pod in pods:
        processes = [process for container in pod.containers for process in seen.get(container, ())]
        if processes:
            yield Vantage(
                name=f"{pod.namespace}/a stranger" if pod.name.startswith(_PREFIX) else str(pod),
                machine=pod.machine,
                # Others come and go.
                pid=min(processes, key=lambda process: (not process.is_first, process.pid)).pid,
                address=pod.address,
                node=pod.labels.get(cluster.node_label, ""),
                is_system=pod.namespace in cluster.system,
            )


def _machines(cluster: Kubernetes) -> Iterator[Vantage]:
    for machine in cluster.machines:
        yield Vantage(name=f"machine {machine.name}", machine=machine.name, pid=1, address=machine.address, is_machine=True)


def attack(known: Map) -> Iterator[Judgement]:
    """Every door from every vantage point, batched by machine; a network needs a moment to know a new pod, and gets no longer."""
    seen = look(known, known.vantages)
    yield judge_within(
        {place: is_open for each in known.vantages for place, is_open in seen[each.name].items() if place in known.own(each)}
    )
    late = [vantage for vantage in known.vantages if vantage.name.endswith("/a stranger")]
    settled = _settled(known, late) if any(not _as_declared(known, each, seen) for each in late) else {}
    for vantage in known.vantages:
        found = settled.get(vantage.name, seen[vantage.name])
        yield matrix.judge(vantage, known.wanted(vantage), {place: found[place] for place in known.wanted(vantage)})
    points = sum(not vantage.is_machine for vantage in known.vantages)
    yield coverage(points, known.known, what="pods to look from")
    if known.unproven:
        reason = f"listens, and nobody knows how to prove that it is shut: {', '.join(known.unproven)}"
        yield Judgement(subject="other protocols", outcome=Outcome.NOT_REVIEWED, reason=reason)


def judge_within(seen: Mapping[str, bool]) -> Judgement:
    """ERROR for a port that does not even answer its own pod: that others find it shut says nothing of policies."""
    dead = sorted(place for place, is_open in seen.items() if not is_open)
    reason = f"listens, and does not answer its own pod: {', '.join(dead)}" if dead else f"all {len(seen)} ports answer their own pods"
    outcome = Outcome.ERROR if dead or not seen else Outcome.PASS
    return Judgement(subject="from within", outcome=outcome, reason=reason, expected=[], observed=dead)


def _as_declared(known: Map, vantage: Vantage, seen: Opened) -> bool:
    return all(seen[vantage.name][place] == is_open for place, is_open in known.wanted(vantage).items())


def _settled(known: Map, late: Collection[Vantage]) -> Opened:
    """What is open from pods that have just started, when the network has had the time that it may take."""
    last: Opened = {}

    def as_declared() -> bool:
        last.update(look(known, late))
        return all(_as_declared(known, vantage, last) for vantage in late)

    with contextlib.suppress(NotReady):  # what is not as declared by then is judged as it is
        wait.until(as_declared, what="the network knows the probe pods", within=deadlines.POLICY_IN_FORCE, every=0.5, holds=bool)
    return last


def look(known: Map, vantages: Iterable[Vantage]) -> Opened:
    """Try every door from these vantage points, one prober each, a machine at a time side by side."""
    from_where = tuple(vantages)
    doors = {place.name: place.door for place in known.places}

    def from_machine(name: str) -> Opened:
        here = [vantage for vantage in from_where if vantage.machine == name]
        machine = next(machine for machine in known.cluster.machines if machine.name == name)
        tried = {vantage.name: (*known.wanted(vantage), *known.own(vantage)) for vantage in here}
        found = reach.opened(machine, {vantage.pid: [doors[place] for place in tried[vantage.name]] for vantage in here})
        return {vantage.name: {place: found.get(vantage.pid, {})[doors[place]] for place in tried[vantage.name]} for vantage in here}

    machines = sorted({vantage.machine for vantage in from_where})
    with concurrent.futures.ThreadPoolExecutor(max(1, len(machines)), thread_name_prefix="reach") as pool:
        return {name: seen for found in pool.map(from_machine, machines) for name, seen in found.items()}
