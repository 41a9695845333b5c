"""What runs in pods, by the kernel's word: processes, their rights, their file systems, their sockets; one look a machine."""

from __future__ import annotations

import functools
import ipaddress
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from constat.errors import Unobservable
from constat.observe import kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from constat.stack import ClusterMachine

# Beside which a token of the API is mounted; the kubelet's own name for it.
TOKENS: Final = "/serviceaccount"
_LISTENS: Final = "0A"
# Between records and between their fields: characters that stand in no table of the kernel.
_RECORD: Final = "\x1e"
_FIELD: Final = "\x1f"
_STATUS: Final = ("Name", "Uid", "Gid", "CapEff", "CapPrm", "CapAmb", "CapBnd", "NoNewPrivs", "Seccomp", "NSpid")
# perl, because every Debian has it and not every machine of a cluster has Python; without any module of it.
_LOOK: Final = r"""
exec perl - <<'END'
use strict;
sub slurp { my ($path) = @_; local $/; open(my $file, '<', $path) or return ''; my $text = <$file>; return defined $text ? $text : ''; }
my %spaces;
for my $kind (qw(net pid ipc)) { $spaces{$kind} = readlink("/proc/1/ns/$kind"); }
my %sockets;
for my $directory (glob '/proc/[0-9]*') {
  my ($pid) = $directory =~ /(\d+)$/;
  my ($container) = slurp("$directory/cgroup") =~ /kubepods\S*?([0-9a-f]{64})/;
  next unless defined $container;
  my %is; for my $line (split /\n/, slurp("$directory/status")) { my ($key, $value) = split /:\s*/, $line, 2; $is{$key} = $value; }
  my $net = readlink("$directory/ns/net");
  next unless defined $net && defined $is{Seccomp} && $is{State} !~ /^[ZX]/;
  my @shared = grep { my $own = readlink("$directory/ns/$_"); defined $own && $own eq $spaces{$_} } qw(net pid ipc);
  $sockets{$net} = join "\n", map { "$_\n" . slurp("$directory/net/$_") } qw(tcp tcp6 udp udp6) unless exists $sockets{$net};
  my $mounts = slurp("$directory/mountinfo");
  next unless length $mounts;  # it has ended meanwhile
  my @status = map { $is{$_} } qw(Name Uid Gid CapEff CapPrm CapAmb CapBnd NoNewPrivs Seccomp NSpid);
  print join("\x1f", $pid, $container, "@shared", $sockets{$net}, $mounts, @status), "\x1e";
}
END
"""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process in a container, as the kernel runs it."""

    pid: int  # on its machine
    machine: str
    container: str
    name: str
    uids: frozenset[int]
    gids: frozenset[int]
    capabilities: int  # effective, permitted, ambient and what it could get, together
    no_new_privs: bool
    seccomp: bool
    shared: tuple[str, ...]  # namespaces of the machine itself
    root_is_writable: bool
    has_token: bool
    is_first: bool  # of its container, which ends with it
    listens: frozenset[tuple[str, int]]  # protocol and port, on other addresses than the loopback


def look(machine: ClusterMachine) -> tuple[Process, ...]:
    """Every process of every container on a machine; Unobservable when its root cannot look."""
    said = kubernetes.on(machine, _LOOK)
    return tuple(process(record, machine.name) for record in said.split(_RECORD) if record)


def process(record: str, machine: str) -> Process:
    """A process as its machine's root describes it; Unobservable when the record is not one."""
    pid, container, shared, sockets, mountinfo, *rest = record.split(_FIELD)
    if len(rest) != len(_STATUS):
        msg = f"machine {machine!r} says {record[:100]!r} instead of a process"
        raise Unobservable(msg)
    status = dict(zip(_STATUS, rest, strict=True))
    mounts = tuple(mounted(mountinfo))
    return Process(
        pid=int(pid),
        machine=machine,
        container=container,
        name=status["Name"],
        uids=frozenset(int(word) for word in status["Uid"].split()),
        gids=frozenset(int(word) for word in status["Gid"].split()),
        capabilities=functools.reduce(operator.or_, (int(status[kind], 16) for kind in ("CapEff", "CapPrm", "CapAmb", "CapBnd"))),
        no_new_privs=status["NoNewPrivs"] == "1",
        # 2: a filter decides upon every system call.
        seccomp=status["Seccomp"] == "2",
        shared=tuple(shared.split()),
        # The last one is on top of the others.
        root_is_writable="rw" in next((options for mount, options in reversed(mounts) if mount == "/"), frozenset({"rw"})),
        has_token=any(mount.endswith(TOKENS) for mount, _ in mounts),
        is_first=status["NSpid"].split()[-1:] == ["1"],
        listens=frozenset(listening(sockets)),
    )


def mounted(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each mount point of a `mountinfo` with its own options and those of its file system; proc(5)."""
    for line in text.splitlines():
        fields = line.split()
        above, _, below = line.partition(" - ")
        options = set(above.split()[5].split(","))
        if "ro" in below.split()[2].split(","):
            options -= {"rw"}
        yield fields[4], frozenset(options)


def listening(text: str) -> Iterator[tuple[str, int]]:
    """Protocol and port of each socket that waits for strangers and is not on the loopback, of /proc/net's tables."""
    kind = ""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 1:
            kind = fields[0]
        elif len(fields) > 3 and ":" in fields[1] and _waits(kind, fields[2], fields[3]):  # noqa: PLR2004 - sl, local, remote, state
            address, _, port = fields[1].partition(":")
            if not _is_loopback(address):
                yield kind.rstrip("6"), int(port, 16)


def by_container(processes: Iterable[Process]) -> dict[str, tuple[Process, ...]]:
    """The processes of each container."""
    found: dict[str, tuple[Process, ...]] = {}
    for seen in processes:
        found[seen.container] = (*found.get(seen.container, ()), seen)
    return found


def _waits(kind: str, remote: str, state: str) -> bool:
    if kind.startswith("tcp"):
        return state == _LISTENS
    return remote.endswith(":0000")


def _is_loopback(address: str) -> bool:
    """Addresses stand there as 32-bit words in the machine's own order."""
    words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, len(address), 8)]
    found = ipaddress.ip_address(b"".join(words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
