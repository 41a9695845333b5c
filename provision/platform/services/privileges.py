"""Give up root for good, after the code is loaded: its files may be where the service's user cannot read."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

UID: Final = "CONSTAT_UID"
GID: Final = "CONSTAT_GID"
# <linux/prctl.h>
_DROP_FROM_BOUNDING_SET: Final = 24
_NO_NEW_PRIVILEGES: Final = 38
_LAST_CAPABILITY: Final = 63
_UMASK: Final = 0o077


def drop(environment: Mapping[str, str]) -> None:
    """Become the user and group that the environment names; nothing to do without root.

    Raises KeyError when root is not told whom to become, PermissionError when it could come back.
    """
    os.umask(_UMASK)
    if os.geteuid() != 0:
        return
    uid, gid = int(environment[UID]), int(environment[GID])
    if uid == 0 or gid == 0:
        msg = f"{UID}={uid} {GID}={gid}: a service does not run as root; name another account"
        raise PermissionError(msg)
    _become(uid, gid)
    _make_sure(uid, gid)


def _become(uid: int, gid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_LAST_CAPABILITY + 1):
        libc.prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)  # refuses those that this kernel does not know
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise PermissionError(ctypes.get_errno(), "the kernel refuses no_new_privs")


def _make_sure(uid: int, gid: int) -> None:
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid) or os.getgroups():
        msg = f"still uid {os.getresuid()} gid {os.getresgid()} groups {os.getgroups()}, expected {uid} and {gid} alone"
        raise PermissionError(msg)
    try:
        os.setuid(0)
    except PermissionError:
        return
    msg = "root could be had back; the service does not start"
    raise PermissionError(msg)
