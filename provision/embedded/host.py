"""Puts a component's plan on this machine: files, then supervised processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constat.errors import TargetError, UserError
from provision.embedded.supervisor import ALIVE, log_path, program
from provision.ports import is_taken

if TYPE_CHECKING:
    from provision.embedded.site import EmbeddedSite
    from provision.embedded.supervisor import Supervisor
    from provision.platform.component import Plan, Process

LINES = 12


class EmbeddedHost:
    """Implements `provision.bringup.Host`."""

    def __init__(self, site: EmbeddedSite, supervisor: Supervisor) -> None:
        """Take where to put it and who starts it."""
        self._site = site
        self._supervisor = supervisor

    def apply(self, component: str, plan: Plan) -> None:
        """Write the files, then start what does not run."""
        del component  # nodes say where everything goes
        for node, relative in plan.directories:
            self._site.make_directory(node, relative)
        changed = {file.node for file in plan.files if self._site.write(file)}
        self._refuse_taken_ports(plan)
        for process in plan.processes:
            self._supervisor.add(self._site, process, afresh=process.node in changed)

    def check(self, plan: Plan) -> None:
        """Raise TargetError with the last log lines when a process has given up."""
        states = self._supervisor.states()
        for process in plan.processes:
            if states[program(process.node, process.name)]["statename"] == "FATAL":
                msg = f"process {process.name!r} on node {process.node!r} does not stay up; its last lines:\n{self.tail(process)}"
                raise TargetError(msg)

    def last_words(self, plan: Plan) -> str:
        """What the plan's processes have written last, and where the rest is."""
        return "\n".join(f"{process.name} on {process.node}:\n{self.tail(process)}" for process in plan.processes)

    def tail(self, process: Process) -> str:
        """The last lines that a process has written, and where the rest is."""
        path = log_path(self._site, process)
        lines = path.read_text(errors="replace").splitlines()[-LINES:] if path.exists() else []
        return "\n".join(f"  {line}" for line in lines) + f"\n  (all of it: {path})"

    def _refuse_taken_ports(self, plan: Plan) -> None:
        """A port of a node that is not running must not be somebody else's."""
        states = self._supervisor.states()
        running = {name.split(".")[0] for name, info in states.items() if info["statename"] in ALIVE}
        planned = {process.node for process in plan.processes} - running
        for node in self._site.nodes:
            for socket in node.sockets if node.name in planned else ():
                port = self._site.address(node.name, socket.name).port
                if is_taken(port):
                    msg = (
                        f"port {port} of {node.name}/{socket.name} is taken by another program; "
                        "stop it, or `constat down` and `constat up` to choose again"
                    )
                    raise UserError(msg)
