"""The supervisor that starts, watches and restarts the stack's processes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import xmlrpc.client
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from supervisor.xmlrpc import SupervisorTransport

from constat import deadlines, wait
from constat.errors import HarnessError, NotReady
from provision.secrets import write_private

if TYPE_CHECKING:
    from provision.embedded.site import EmbeddedSite
    from provision.platform.component import Process

ALIVE: Final = {"RUNNING", "STARTING", "BACKOFF", "STOPPING"}
_MISSING: Final = {"BAD_NAME", "NOT_RUNNING", "ALREADY_STARTED", "ALREADY_ADDED"}

# The one variable of a process's environment that says which release of the code it runs.
_RELEASE: Final = re.compile(r'PYTHONPATH="([^"]*)"')

_MAIN = """\
[unix_http_server]
file={home}/supervisor.sock
chmod=0600
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
pidfile={home}/supervisord.pid
logfile={home}/supervisord.log
logfile_maxbytes=10MB
logfile_backups=1
childlogdir={home}
directory={home}
minfds=16384
umask=077
{user}
[include]
files={home}/programs/*.conf
"""

_PROGRAM = """\
[program:{name}]
command={command}
directory={directory}
environment={environment}
autostart=false
autorestart=true
startsecs=1
startretries=5
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""


class Supervisor:
    """One supervisord for one stack, spoken to over its unix socket."""

    def __init__(self, directory: Path) -> None:
        """Take the stack's directory; nothing is started yet."""
        self.home = directory / "supervisor"
        self._lock = threading.Lock()

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._call("getState")["statename"] == "RUNNING")
        except (OSError, NotReady):
            return False

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.is_running():
            return
        (self.home / "programs").mkdir(mode=0o700, parents=True, exist_ok=True)
        user = "user=root" if os.geteuid() == 0 else ""
        write_private(self.home / "supervisord.conf", _MAIN.format(home=self.home, user=user).encode())
        self._launch()
        wait.until(self._answering, what="the supervisor answers", within=deadlines.SUPERVISOR_ANSWERS, every=0.05)

    def add(self, site: EmbeddedSite, process: Process, *, afresh: bool) -> None:
        """Start a process, or start it again when its description has changed or `afresh` says so."""
        name = program(process.node, process.name)
        path = self.home / "programs" / f"{name}.conf"
        text = _render(site, process).encode()
        with self._lock:
            changed = afresh or not path.exists() or path.read_bytes() != text
            if changed:
                write_private(path, text)
                self._forget(name)
            if changed or name not in self.states():
                self._call("reloadConfig")
                self._call("addProcessGroup", name, ignore=_MISSING)
        self.begin(name)

    def begin(self, name: str) -> None:
        """Start a known process; it may run already."""
        self._call("startProcess", name, False, ignore=_MISSING)  # noqa: FBT003 - XML-RPC has no keywords

    def rest(self, name: str) -> None:
        """Ask a process to stop, and do not wait; it is not restarted."""
        self._call("stopProcess", name, False, ignore=_MISSING)  # noqa: FBT003 - XML-RPC has no keywords

    def release(self, name: str) -> str | None:
        """Where a process loads code of the platform's own from; None when it loads none."""
        match = _RELEASE.search((self.home / "programs" / f"{name}.conf").read_text("utf-8"))
        return match[1].replace("%%", "%") if match else None

    def deploy(self, name: str, directory: str) -> None:
        """Start a process again with its code from another directory; the next `up` takes that back."""
        path = self.home / "programs" / f"{name}.conf"
        with self._lock:
            text = _RELEASE.sub(lambda match: match[0].replace(match[1], directory.replace("%", "%%")), path.read_text("utf-8"))
            write_private(path, text.encode())
            self._forget(name)
            self._call("reloadConfig")
            self._call("addProcessGroup", name, ignore=_MISSING)
        self.begin(name)

    def states(self) -> dict[str, dict[str, Any]]:
        """What it knows of each process, by name."""
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def restarts(self, name: str) -> int:
        """How often the process was started again, by the supervisor's own log."""
        try:
            text = (self.home / "supervisord.log").read_text(errors="replace")
        except OSError:
            return 0
        return max(0, text.count(f"spawned: '{name}' with pid") - 1)

    def _forget(self, name: str) -> None:
        if name in self.states():
            self._call("stopProcess", name, ignore=_MISSING)
            self._call("removeProcessGroup", name, ignore=_MISSING)

    def _launch(self) -> None:
        (self.home / "supervisor.sock").unlink(missing_ok=True)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.home / "supervisord.conf")]
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            command, env=environment, cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            msg = f"supervisord did not start: {(done.stderr or done.stdout).strip()}"
            raise HarnessError(msg)

    def _answering(self) -> None:
        if not self.is_running():
            msg = "no answer on its socket"
            raise NotReady(msg)

    def _call(self, method: str, *arguments: object, ignore: set[str] = frozenset()) -> Any:  # type: ignore[assignment]
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.home}/supervisor.sock")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            try:
                return getattr(server.supervisor, method)(*arguments)
            except xmlrpc.client.Fault as fault:
                if fault.faultString.split(":")[0] in ignore:
                    return None
                msg = f"the supervisor refused {method} {arguments!r}: {fault.faultString}"
                raise NotReady(msg) from None
            except xmlrpc.client.ProtocolError as problem:
                msg = f"the supervisor did not answer {method}: {problem.errmsg}"
                raise NotReady(msg) from None


def program(node: str, process: str) -> str:
    """The supervisor's name of a process."""
    return f"{node}.{process}"


def log_path(site: EmbeddedSite, process: Process) -> Path:
    """Where a process's output goes."""
    return Path(site.path(process.node, f"{process.name}.log"))


def _render(site: EmbeddedSite, process: Process) -> str:
    environment = site.environment(process.node) | dict(process.environment)
    prefix = site.account(process.node).enter()
    if process.drops_privileges:
        account = site.account(process.node)
        environment |= {"CONSTAT_UID": str(account.uid), "CONSTAT_GID": str(account.gid)}
        prefix = ()
    return _PROGRAM.format(
        name=program(process.node, process.name),
        command=" ".join(_quote(word) for word in (*prefix, *process.command)),
        directory=site.path(process.node),
        environment=",".join(f"{key}={_plain(value)}" for key, value in environment.items()),
        stop_signal=process.stop_signal,
        stop_seconds=process.stop_seconds,
        log=log_path(site, process),
    )


def _quote(word: str) -> str:
    """Quote a word of a command: supervisor reads it as a shell would, and % is special."""
    return shlex.quote(word).replace("%", "%%")


def _plain(value: str) -> str:
    """Quote a value of the environment, where supervisor knows no escapes."""
    if '"' in value or "\n" in value:
        msg = "a quote or a line break cannot stand in a supervisor environment; put the value into a file"
        raise HarnessError(msg)
    return '"' + value.replace("%", "%%") + '"'
