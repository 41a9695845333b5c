"""What a machine's root sees of processes in pods is read as proc(5) says."""

from __future__ import annotations

import pytest

from constat.errors import Unobservable
from constat.observe.pods import listening, mounted, process

CONTAINER = "a" * 64
MOUNTS = """\
612 590 0:151 / / ro,relatime master:86 - overlay overlay rw,lowerdir=/var/lib
613 612 0:153 / /proc rw,nosuid - proc proc rw
614 612 0:9 / /run/secrets/kubernetes.io/serviceaccount ro,relatime - tmpfs tmpfs rw,size=1k
"""
SOCKETS = """\
tcp
  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000
   1: 00000000:1538 00000000:0000 0A 00000000:00000000
   2: 0500F40A:1538 0600F40A:D431 01 00000000:00000000
tcp6
  sl  local_address rem_address   st
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000000000000:20FB 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:0051 00000000000000000000000000000000:0000 0A
udp
  sl  local_address rem_address   st
   0: 00000000:0035 00000000:0000 07
   1: 0500F40A:8000 0A00600A:0035 01
udp6
"""


def record(*, seccomp: str = "2", mounts: str = MOUNTS) -> str:
    """A process as the script on the machine describes it."""
    status = ("server", "10001\t10001\t10001\t10001", "10001\t10001\t10001\t10001", "0", "0", "0", "400", "1", seccomp, "42\t1")
    return "\x1f".join(("42", CONTAINER, "pid", SOCKETS, mounts, *status))


def test_a_process_is_read_whole() -> None:
    """Identity, rights, namespaces, file systems and sockets."""
    seen = process(record(), "worker")

    assert (seen.pid, seen.machine, seen.container, seen.name) == (42, "worker", CONTAINER, "server")
    assert (seen.uids, seen.capabilities, seen.no_new_privs, seen.seccomp, seen.shared) == (frozenset({10001}), 0x400, True, True, ("pid",))
    assert (seen.root_is_writable, seen.has_token, seen.is_first) == (False, True, True)


def test_a_process_without_a_filter_is_told_from_one_with() -> None:
    """0 is none, 1 is the strict mode that no container has, 2 is a filter."""
    assert not process(record(seccomp="0"), "worker").seccomp


def test_what_counts_is_whether_the_image_can_be_written() -> None:
    """By the mount's own options, and by those of its file system."""
    assert process(record(mounts=MOUNTS.replace("/ / ro,", "/ / rw,")), "worker").root_is_writable
    readonly = MOUNTS.replace("/ / ro,", "/ / rw,").replace("overlay rw,", "overlay ro,")
    assert not process(record(mounts=readonly), "worker").root_is_writable


def test_a_record_that_is_cut_short_is_not_read() -> None:
    """What is not known is not guessed."""
    with pytest.raises((Unobservable, ValueError)):
        process(record().rpartition("\x1f")[0], "worker")


def test_only_what_strangers_can_reach_listens() -> None:
    """Neither the loopback, in whichever spelling, nor a connection that stands."""
    assert set(listening(SOCKETS)) == {("tcp", 0x1538), ("tcp", 0x20FB), ("udp", 53)}


def test_mounts_have_their_points_and_options() -> None:
    """The fifth field and the sixth."""
    assert ("/proc", frozenset({"rw", "nosuid"})) in list(mounted(MOUNTS))
