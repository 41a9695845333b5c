"""Something that listens in a pod of the platform, and that nobody declared."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.mutant import Mutant, Scope, State
from constat.observe import kubernetes
from constat.observe import pods as inside

if TYPE_CHECKING:
    from constat.stack import ClusterMachine, Stack

_MARK: Final = "constat-undeclared-listener"
_PORT: Final = 4444
# The operating system's numbers for a socket that streams, and for one that sends datagrams.
_KINDS: Final = {"tcp": 1, "udp": 2}
_LISTEN: Final = (
    "use Socket; socket(my $s, PF_INET, $ARGV[0], 0) or die; bind($s, sockaddr_in($ARGV[1], INADDR_ANY)) or die; listen($s, 1); sleep"
)
# By its own mark alone, in every process that has it among its words.
_END: Final = f"""
for each in /proc/[0-9]*; do
  if tr '\\0' '\\n' < "$each/cmdline" 2>/dev/null | grep -qx {_MARK}; then kill -9 "${{each#/proc/}}" || true; fi
done
"""


def _somewhere(stack: Stack) -> tuple[ClusterMachine, int]:
    """A pod of the platform: its machine, and a process of it there."""
    cluster = kubernetes.required(stack)
    with kubernetes.administrator(cluster) as client:
        known = {container: pod for pod in kubernetes.pods(client) if cluster.node_label in pod.labels for container in pod.containers}
    for machine in sorted(cluster.machines, key=lambda each: each.name):
        for process in inside.look(machine):
            if process.container in known and process.is_first:
                return machine, process.pid
    msg = "no process of the platform was seen in a pod"
    raise Unobservable(msg)


def _machine(stack: Stack, state: State) -> ClusterMachine:
    return next(machine for machine in kubernetes.required(stack).machines if machine.name == state["machine"])


def _listening(machine: ClusterMachine) -> bool:
    """Whether any process with the mark lives there."""
    count = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -cx " + _MARK
    return kubernetes.on(machine, f"{count} || true\n").strip() != "0"


def _mutant(mutant_id: str, title: str, *, kind: str) -> Mutant:
    def prepared(stack: Stack) -> State:
        machine, pid = _somewhere(stack)
        return {"machine": machine.name, "pid": pid}

    def planted(stack: Stack, state: State) -> None:
        program = f"perl -e {shlex.quote(_LISTEN)} {_KINDS[kind]} {_PORT} {_MARK}"
        quiet = "</dev/null >/dev/null 2>&1 &"
        kubernetes.on(_machine(stack, state), f"setsid nsenter --net=/proc/{state['pid']}/ns/net {program} {quiet}\n")

    def reverted(stack: Stack, state: State) -> None:
        kubernetes.on(_machine(stack, state), _END)

    return Mutant(
        id=mutant_id,
        title=title,
        scope=Scope.COMPONENT,
        controls=("KUB-NET-02",),
        prepare=prepared,
        plant=planted,
        confirm=lambda stack, state: _listening(_machine(stack, state)),
        revert=reverted,
        fingerprint=lambda stack: str([_listening(machine) for machine in kubernetes.required(stack).machines]),
    )


MUTANTS: Final = (
    _mutant("MUT-KUB-NET-05", "a debugger listens in a pod of the platform, behind the policies that still shut it", kind="tcp"),
    _mutant("MUT-KUB-NET-06", "a pod of the platform answers datagrams, of which no table says anything", kind="udp"),
)
