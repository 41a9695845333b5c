"""Which doors open from where: connections that are tried inside a pod's own network, from its machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe import kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from constat.stack import ClusterMachine

OPEN: Final = "open"
SILENT: Final = "silent"
# What a policy, or nobody, answers: refused, no route to host, network unreachable, not permitted, access denied.
_SHUT: Final = frozenset({"111", "113", "101", "1", "13", SILENT})
_FIELDS: Final = 3
# All doors of one vantage point at once; a door that says nothing costs the whole of that time once.
_SECONDS: Final = 1.5
_PROGRAM: Final = r"""
use strict; use Socket; $| = 1;
my ($vantage, $seconds) = @ARGV; my (%waits, $bits); $bits = "";
sub note { my ($door, $how) = @_; print "$vantage $door $how\n"; }
while (my $line = <STDIN>) {
  my ($door) = $line =~ /(\S+)/ or next; my ($address, $port) = split /:/, $door;
  socket(my $socket, PF_INET, SOCK_STREAM | 04000, getprotobyname("tcp")) or do { note($door, "errno" . ($! + 0)); next; };
  if (connect($socket, sockaddr_in($port, inet_aton($address)))) { note($door, "open"); close $socket; next; }
  if ($! + 0 != 115) { note($door, $! + 0); close $socket; next; }
  $waits{fileno $socket} = [$socket, $door]; vec($bits, fileno $socket, 1) = 1;
}
my $left = $seconds;
while (%waits && $left > 0) {
  my ($found, $after) = select(undef, my $ready = $bits, undef, $left); $left = $after; last unless $found;
  for my $number (keys %waits) {
    next unless vec($ready, $number, 1);
    my ($socket, $door) = @{delete $waits{$number}}; vec($bits, $number, 1) = 0;
    my $error = unpack("i", getsockopt($socket, SOL_SOCKET, SO_ERROR)); note($door, $error ? $error : "open"); close $socket;
  }
}
note($waits{$_}[1], "silent") for keys %waits;
"""


@dataclass(frozen=True, order=True)
class Door:
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        """As `address:port`."""
        return f"{self.address}:{self.port}"


def opened(machine: ClusterMachine, doors: Mapping[int, Iterable[Door]]) -> dict[int, dict[Door, bool]]:
    """Whether each door opens from inside the network of each process of a machine, by its number there.

    Raises Unobservable when a door answers what is neither, or a process has ended meanwhile.
    """
    wanted = {pid: frozenset(each) for pid, each in doors.items() if each}
    found = read(kubernetes.on(machine, script(wanted)))
    if missing := [pid for pid, each in wanted.items() if found.get(pid, {}).keys() != each]:
        msg = f"on {machine.name!r} nothing could be tried from within processes {missing}; they may have ended meanwhile"
        raise Unobservable(msg)
    return found


def script(wanted: Mapping[int, Iterable[Door]]) -> str:
    """What a machine's root is told: one prober for each vantage point, all side by side."""
    lines = [f"PROBER=$(cat <<'END'\n{_PROGRAM}\nEND\n)"]
    for pid, doors in wanted.items():
        told = "\n".join(str(door) for door in sorted(doors))
        lines.append(f"nsenter --net=/proc/{pid}/ns/net perl -e \"$PROBER\" {pid} {_SECONDS} <<'END' &\n{told}\nEND")
    return "\n".join([*lines, "wait"]) + "\n"


def read(said: str) -> dict[int, dict[Door, bool]]:
    """What the probers said, by vantage point; Unobservable for an answer that is neither open nor shut."""
    found: dict[int, dict[Door, bool]] = {}
    for line in said.splitlines():
        fields = line.split()
        if len(fields) != _FIELDS or (fields[2] != OPEN and fields[2] not in _SHUT):
            msg = f"a prober says {line!r}, which is neither open nor shut"
            raise Unobservable(msg)
        address, _, port = fields[1].partition(":")
        found.setdefault(int(fields[0]), {})[Door(address, int(port))] = fields[2] == OPEN
    return found
