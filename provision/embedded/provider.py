"""The provider `embedded`: open, attach, close, look, collect logs."""

from __future__ import annotations

import dataclasses
import json
import os
import pwd
import shutil
from typing import TYPE_CHECKING, Final

from constat.clock import monotonic
from constat.errors import UserError
from constat.stack import STACK_FILE, GuardedPath, Stack
from constat.target import DeclaredTenant, load_target
from provision import home
from provision.bringup import Configured, bring_up
from provision.declared import FILE as DECLARED
from provision.declared import declare
from provision.embedded import processes
from provision.embedded.host import EmbeddedHost
from provision.embedded.machines import EmbeddedMachines
from provision.embedded.site import SECRETS_FILE, EmbeddedSite
from provision.embedded.states import states
from provision.embedded.supervisor import Supervisor
from provision.journal import Journal
from provision.onboarding import offboard, onboard
from provision.platform.assemble import assemble, tenant_of
from provision.platform.catalogue import components, tools
from provision.preflight import require_disk, require_tools
from provision.secrets import write_private

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Tenant
    from constat.target import Target
    from provision.platform.component import Component
    from provision.progress import Progress
    from provision.provider import ComponentState


AUTHORITY_KEY: Final = "ca/ca-key.pem"


class Embedded:
    """Implements `provision.provider.Provider`."""

    def open(self, target: Target, *, name: str, progress: Progress, target_file: Path) -> Stack:
        """Bring the stack up, or finish or mend what is there; idempotent."""
        parts = components(target)
        require_tools(tools(target))
        require_disk(home.stack_directory(name))
        directory = self._directory(name, target_file, progress)
        supervisor = Supervisor(directory)
        if not supervisor.is_running():
            processes.kill(directory)  # orphans of a supervisor that was killed
        supervisor.start()
        site = _site(directory, target, parts)
        host = EmbeddedHost(site, supervisor)
        bring_up(parts, site, host=host, configured=Configured(directory / "configured.json"), progress=progress)
        start = monotonic()
        onboard(site, parts, target.tenants)
        progress.done("tenants", monotonic() - start)
        stack = _with_host(assemble(site, parts, nodes=site.nodes, run_dir=str(directory)), directory)
        declare(stack, parts, site, directory / DECLARED, progress)
        write_private(directory / STACK_FILE, json.dumps(stack.to_document(), indent=1).encode())
        return self.attach(name)

    def attach(self, name: str) -> Stack:
        """Return the handle of a stack that is up."""
        directory = home.stack_directory(name)
        stack = Stack.load(directory)
        nodes = tuple(sorted({path.name for path in directory.iterdir() if (path / "tmp").is_dir()}))
        machines = EmbeddedMachines(directory, nodes, Supervisor(directory), Journal(directory))
        return dataclasses.replace(stack, machines=machines)

    def close(self, name: str, *, progress: Progress) -> bool:
        """Take down what `open` made and nothing else."""
        directory = home.stack_directory(name)
        if not directory.exists():
            return False
        if home.read_label(directory) is None:
            msg = f"{str(directory)!r} was not made by constat, so it is left alone; remove it yourself, or choose another --name"
            raise UserError(msg)
        start = monotonic()
        processes.kill(directory)
        # The label goes last: a removal that is interrupted can be repeated.
        for path in directory.iterdir():
            if path.name != home.LABEL_FILE:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.rmtree(directory)
        progress.done(f"stack {name}", monotonic() - start)
        return True

    def heal(self, name: str) -> tuple[str, ...]:
        """Undo every fault that a killed run left."""
        machines = self.attach(name).machines
        healed = []
        for entry in Journal(home.stack_directory(name)).outstanding():
            if entry.kind == "tenant":
                self.offboard(name, entry.subject, DeclaredTenant(**entry.state))
                healed.append(f"{entry.what} of {entry.subject}")
            if entry.kind == "fault" and isinstance(machines, EmbeddedMachines):
                machines.heal(entry)
                healed.append(f"{entry.what} of {entry.subject}")
        return tuple(healed)

    def onboard(self, name: str, tenant: str, declared: DeclaredTenant) -> Tenant:
        """Onboard a tenant that the target does not declare; the journal knows before anything is changed."""
        Journal(home.stack_directory(name)).open("tenant", "onboarding", tenant, declared.model_dump())
        site, parts = _with(home.stack_directory(name), tenant, declared)
        onboard(site, parts, [tenant])
        return tenant_of(site, tenant)

    def offboard(self, name: str, tenant: str, declared: DeclaredTenant) -> None:
        """Remove the tenant from every component, and what the stack kept of it."""
        site, parts = _with(home.stack_directory(name), tenant, declared)
        offboard(site, parts, [tenant])
        site.forget(f"tenant/{tenant}/")
        journal = Journal(home.stack_directory(name))
        for entry in journal.outstanding():
            if entry.kind == "tenant" and entry.subject == tenant:
                journal.close(entry)

    def states(self, name: str) -> dict[str, ComponentState]:
        """Each component's state and endpoint."""
        directory = home.stack_directory(name)
        target = load_target(directory / home.TARGET_COPY)
        parts = components(target)
        return states(_site(directory, target, parts), parts, Supervisor(directory))

    def secrets(self, name: str) -> tuple[str, ...]:
        """Every secret of the stack."""
        directory = home.stack_directory(name)
        target = load_target(directory / home.TARGET_COPY)
        return _site(directory, target, components(target)).secrets()

    def collect_logs(self, name: str, into: Path) -> None:
        """Copy every log of the stack into a directory."""
        directory = home.stack_directory(name)
        for path in directory.glob("*/*.log"):
            copy = into / path.parent.name / path.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)

    def _directory(self, name: str, target_file: Path, progress: Progress) -> Path:
        """The stack's directory, labelled; what an interrupted first `up` left is taken down."""
        directory = home.stack_directory(name)
        if home.read_label(directory) is not None and not (directory / STACK_FILE).exists():
            progress.note(f"stack {name}: an earlier `up` did not finish; starting over")
            self.close(name, progress=progress)
        if home.read_label(directory) is None:
            home.write_label(directory, provider="embedded", target_file=str(target_file))
        (directory / home.TARGET_COPY).write_bytes(target_file.read_bytes())
        return directory


def _with(directory: Path, tenant: str, declared: DeclaredTenant) -> tuple[EmbeddedSite, tuple[Component, ...]]:
    """The stack's site as if its target declared the tenant too."""
    target = load_target(directory / home.TARGET_COPY)
    target = target.model_copy(update={"tenants": {**target.tenants, tenant: declared}})
    parts = components(target)
    return _site(directory, target, parts), parts


def _with_host(stack: Stack, directory: Path) -> Stack:
    """With what is only on this machine: its processes, and the provider's own files that hold every secret."""
    own = (SECRETS_FILE, STACK_FILE, DECLARED, AUTHORITY_KEY)
    guarded = tuple(GuardedPath(path=str(directory / name), owner=_who(), mode=0o600) for name in own)
    return dataclasses.replace(stack, local_processes=True, declared=str(directory / DECLARED), guarded=(*stack.guarded, *guarded))


def _who() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _site(directory: Path, target: Target, parts: tuple[Component, ...]) -> EmbeddedSite:
    return EmbeddedSite(directory, target, tuple(node for part in parts for node in part.nodes(target)))


PROVIDER: Final = Embedded()
