"""The matrix of who reaches what: expected from the declared flows, observed from within every pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.judgement import Judgement
from constat.observe.reach import Door
from constat.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from constat.observe.kubernetes import Pod, Service
    from constat.observe.pods import Process
    from constat.stack import Kubernetes, Listener

# The name server, as every cluster labels it: whoever may ask nothing else may ask for names.
_NAME_SERVER: Final = ("k8s-app", "kube-dns")
NAMES: Final = 53
_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something that can be reached: where, what it is called, and the pods that are behind it."""

    door: Door
    name: str
    node: str  # of the platform; empty for what is the cluster's
    port: int  # of the pods behind it
    serves_names: bool
    machine: str = ""  # of a pod, or a machine's own


@dataclass(frozen=True, kw_only=True)
class Vantage:
    """Somewhere to stand: a process in a network of its own, and which node of the platform that is."""

    name: str
    machine: str
    pid: int
    address: str
    node: str = ""
    is_machine: bool = False
    is_system: bool = False  # of the cluster itself: where it may go, nobody declares


def places(
    pods: Iterable[Pod], services: Iterable[Service], seen: Mapping[str, tuple[Process, ...]], cluster: Kubernetes
) -> tuple[Place, ...]:
    """Every port on which something really listens for others, by pod, by service, and on every machine."""
    known = tuple(pods)
    return (*_of_pods(known, seen, cluster), *_of_services(known, services, cluster), *_of_machines(seen, cluster))


def ports(pod: Pod, seen: Mapping[str, tuple[Process, ...]], kind: str = "tcp") -> frozenset[int]:
    """On what a pod's processes listen, of a protocol."""
    processes = [process for container in pod.containers for process in seen.get(container, ())]
    return frozenset(port for process in processes for protocol, port in process.listens if protocol == kind)


def _of_pods(pods: Iterable[Pod], seen: Mapping[str, tuple[Process, ...]], cluster: Kubernetes) -> Iterator[Place]:
    for pod in pods:
        if not pod.on_host:
            for port in sorted(ports(pod, seen)):
                yield _place(Door(pod.address, port), f"{pod}:{port}", pod, port, cluster)


def _of_services(pods: Collection[Pod], services: Iterable[Service], cluster: Kubernetes) -> Iterator[Place]:
    for service in services:
        behind = next((pod for pod in pods if _selects(service, pod)), None)
        for port, target, _ in service.ports:
            door, name = Door(service.address, port), f"service {service}:{port}"
            if behind is None:
                yield Place(door=door, name=name, node="", port=target, serves_names=False)
            else:
                yield _place(door, name, behind, target or port, cluster)


def _of_machines(seen: Mapping[str, tuple[Process, ...]], cluster: Kubernetes) -> Iterator[Place]:
    for machine in cluster.machines:
        own = [process for each in seen.values() for process in each if process.machine == machine.name and "net" in process.shared]
        for port in sorted({port for process in own for protocol, port in process.listens if protocol == "tcp"}):
            name = f"machine {machine.name}:{port}"
            yield Place(door=Door(machine.address, port), name=name, node="", port=port, serves_names=False, machine=machine.name)


def _place(door: Door, name: str, pod: Pod, port: int, cluster: Kubernetes) -> Place:
    label, value = _NAME_SERVER
    return Place(
        door=door,
        name=name,
        node=pod.labels.get(cluster.node_label, ""),
        port=port,
        serves_names=port == NAMES and pod.labels.get(label) == value,
        machine=pod.machine,
    )


def _selects(service: Service, pod: Pod) -> bool:
    wanted = service.selector.items()
    return bool(wanted) and pod.namespace == service.namespace and wanted <= pod.labels.items()


def tried(vantage: Vantage, known: Iterable[Place]) -> tuple[Place, ...]:
    """What is judged from somewhere: all but itself.

    From a machine all pods but its own, which are open to it by Kubernetes' own definition;
    from what is the cluster's only what is the platform's, and the name server.
    """
    others = tuple(place for place in known if place.door.address != vantage.address and place.node != (vantage.node or None))
    if vantage.is_machine:
        return tuple(
            place for place in others if _is_pod(place) and place.machine != vantage.machine and (place.node or place.serves_names)
        )
    return tuple(place for place in others if place.node or place.serves_names) if vantage.is_system else others


def expected(vantage: Vantage, place: Place, cluster: Kubernetes, listeners: Iterable[Listener]) -> bool:
    """Whether a door opens from there, by what is declared."""
    if place.serves_names:
        return True
    if vantage.is_machine:
        # What comes from this machine comes by the control plane's mapped ports.
        is_door = any(machine.name == vantage.machine and machine.is_control_plane for machine in cluster.machines)
        return is_door and any(listener.node == place.node and listener.port == place.port for listener in listeners)
    return any(
        flow.source == vantage.node and flow.node == place.node and flow.port == place.port for flow in cluster.flows if vantage.node
    )


def judge(vantage: Vantage, wanted: Mapping[str, bool], seen: Mapping[str, bool]) -> Judgement:
    """FAIL when a door is open that should be shut, or the other way round; ERROR when none of those that should be is."""
    extra = sorted(name for name, is_open in seen.items() if is_open and not wanted[name])
    missing = sorted(name for name, is_open in seen.items() if not is_open and wanted[name])
    reached = sum(is_open and wanted[name] for name, is_open in seen.items())
    said = [f"reaches {name}" for name in extra] + [f"does not reach {name}" for name in missing]
    if extra or (missing and reached):
        outcome, reason = Outcome.FAIL, f"{len(said)} of {len(seen)} doors are not as declared: {'; '.join(said[:_SHOWN])}"
    elif missing or not reached:
        outcome, reason = Outcome.ERROR, f"nothing was reached from there, so that doors are shut says nothing: {'; '.join(said[:_SHOWN])}"
    else:
        outcome, reason = Outcome.PASS, f"all {len(seen)} doors are as declared"
    return Judgement(
        subject=vantage.name,
        outcome=outcome,
        reason=reason,
        expected=sorted(name for name, is_open in wanted.items() if is_open),
        observed=sorted(name for name, is_open in seen.items() if is_open),
        positive_control=f"{reached} doors that are declared open were open",
    )


def _is_pod(place: Place) -> bool:
    return not place.name.startswith(("service ", "machine "))
