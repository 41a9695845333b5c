"""What is missing on this machine, and the exact command that installs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from constat.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provision.platform.component import Tool
    from provision.progress import Progress

FREE_BYTES: Final = 3 * 2**30
_POLICY: Final = Path("/usr/sbin/policy-rc.d")
_SAVED: Final = Path("/usr/sbin/policy-rc.d.constat-saved")
_NONE: Final = "# constat: there was none\n"
_DENY: Final = "#!/bin/sh\n# constat: packages that it installs start nothing\nexit 101\n"
_CLUSTERS: Final = Path("/etc/postgresql-common/createcluster.d/constat.conf")
_UNITS: Final = Path("/etc/systemd/system")


def missing(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The tools that are not on this machine."""
    return tuple(tool for tool in tools if not os.access(tool.path, os.F_OK if _is_data(Path(tool.path)) else os.X_OK))


def _is_data(path: Path) -> bool:
    """A library or a font: it is read, not run."""
    return ".so" in path.suffixes or path.suffix == ".ttf"


def command(tools: Iterable[Tool]) -> tuple[str, ...]:
    """The command that installs their packages."""
    packages = sorted({tool.package for tool in tools})
    return ("apt-get", "install", "-y", "--no-install-recommends", *packages)


def require_tools(tools: Iterable[Tool]) -> None:
    """Raise UserError with the command to paste when a tool is missing."""
    if absent := missing(tools):
        names = ", ".join(sorted({tool.package for tool in absent}))
        msg = f"Debian packages are missing: {names}; install them with\n  sudo {' '.join(command(absent))}"
        raise UserError(msg)


def require_disk(directory: Path) -> None:
    """Raise UserError when the disk is nearly full."""
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < FREE_BYTES:
        msg = (
            f"only {free / 2**30:.1f} GiB are free below {str(existing)!r}, expected at least {FREE_BYTES / 2**30:.0f}; "
            "free some (`constat prune` removes old runs), or set CONSTAT_HOME to another disk"
        )
        raise UserError(msg)


def install(tools: Iterable[Tool], progress: Progress) -> None:
    """Install what is missing when we may (root or passwordless sudo), else say the command.

    Leaves no service enabled or started, and the machine's policy as it was, also when
    interrupted; a run that was killed meanwhile is made good by the next.
    """
    restore()
    absent = missing(tools)
    if not absent:
        return
    prefix = _elevation()
    if prefix is None:
        require_tools(absent)
        return
    progress.note(f"installing Debian packages: {' '.join(command(absent)[4:])}")
    before = _enabled()
    with _nothing_starts(prefix):
        _apt(prefix, ("apt-get", "update", "-q"))
        _apt(prefix, command(absent))
    _disable(prefix, _enabled() - before)
    require_tools(absent)


def restore() -> None:
    """Put the machine's own policy back, if a killed run of ours has replaced it."""
    prefix = _elevation()
    if not _SAVED.exists() or prefix is None:
        return
    if _SAVED.read_text() == _NONE:
        _as_root(prefix, "rm", "-f", str(_POLICY), str(_SAVED))
    else:
        _as_root(prefix, "mv", "-f", str(_SAVED), str(_POLICY))
    _as_root(prefix, "rm", "-f", str(_CLUSTERS))


@contextlib.contextmanager
def _nothing_starts(prefix: tuple[str, ...]) -> Iterator[None]:
    def stop(number: int, frame: object) -> None:
        del frame
        raise KeyboardInterrupt(signal.Signals(number).name)

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        # Written beside and moved: the saved copy is whole before the policy changes.
        if _POLICY.exists():
            _as_root(prefix, "cp", "-p", str(_POLICY), f"{_SAVED}.part")
        else:
            _write(prefix, Path(f"{_SAVED}.part"), _NONE, 0o644)
        _as_root(prefix, "mv", f"{_SAVED}.part", str(_SAVED))
        _write(prefix, _POLICY, _DENY, 0o755)
        _as_root(prefix, "mkdir", "-p", str(_CLUSTERS.parent))
        _write(prefix, _CLUSTERS, "create_main_cluster = false\n", 0o644)
        yield
    finally:
        restore()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _elevation() -> tuple[str, ...] | None:
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], check=False, capture_output=True).returncode == 0:
        return (sudo, "-n")
    return None


def _as_root(prefix: tuple[str, ...], *words: str) -> None:
    subprocess.run([*prefix, *words], check=True, capture_output=True)


def _write(prefix: tuple[str, ...], path: Path, text: str, mode: int) -> None:
    subprocess.run([*prefix, "tee", str(path)], input=text.encode(), check=True, capture_output=True)
    _as_root(prefix, "chmod", f"{mode:o}", str(path))


def _apt(prefix: tuple[str, ...], words: tuple[str, ...]) -> None:
    settings = ("env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
    done = subprocess.run([*prefix, *settings, *words], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-6:])
        msg = f"`{' '.join(words)}` ended with {done.returncode}:\n{tail}\nmend that, then run the same command again"
        raise UserError(msg)


def _enabled() -> set[Path]:
    """The units that start with the machine: what `systemctl enable` links."""
    return set(_UNITS.glob("*.wants/*")) | set(_UNITS.glob("*.requires/*"))


def _disable(prefix: tuple[str, ...], units: set[Path]) -> None:
    for unit in sorted(units):
        # `disable` also removes what the package's own script would use to enable it again;
        # it fails harmlessly where no systemd runs, and then the link itself is all there is.
        subprocess.run([*prefix, "systemctl", "disable", unit.name], check=False, capture_output=True)
        _as_root(prefix, "rm", "-f", str(unit))
