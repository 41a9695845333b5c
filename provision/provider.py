"""What a provider is: it opens a stack, closes it, and collects its logs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from constat.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from constat.stack import Stack, Tenant
    from constat.target import DeclaredTenant, Target
    from provision.progress import Progress

# Where each provider lives; loaded when it is asked for, so that one's libraries are not needed by another.
PROVIDERS: Final = {
    "embedded": "provision.embedded.provider",
    "existing": "provision.existing.provider",
    "kind": "provision.kind.provider",
}


@dataclass(frozen=True, kw_only=True)
class ComponentState:
    """What the provider knows of one component."""

    state: str  # running, restarting, degraded, down
    endpoint: str
    restarts: int = 0

    @property
    def is_well(self) -> bool:
        """Whether it does what it is there for, as far as the provider knows."""
        return self.state in {"running", "configured", "attached"}


class Provider(Protocol):
    """Brings a target up or attaches to it."""

    def open(self, target: Target, *, target_file: Path, name: str, progress: Progress) -> Stack:
        """Bring the stack up, or finish or mend what is there; idempotent."""

    def attach(self, name: str) -> Stack:
        """Return the handle of a stack that is up; UserError when there is none."""

    def close(self, name: str, *, progress: Progress) -> bool:
        """Take down what `open` made and nothing else; False when there was nothing."""

    def states(self, name: str) -> dict[str, ComponentState]:
        """Each component's state and endpoint."""

    def heal(self, name: str) -> tuple[str, ...]:
        """Undo every fault that a killed run left; what was undone."""

    def secrets(self, name: str) -> tuple[str, ...]:
        """Every secret of the stack, for the redactor."""

    def collect_logs(self, name: str, into: Path) -> None:
        """Copy every log of the stack into a directory."""


@runtime_checkable
class TenantKeeper(Protocol):
    """The optional ability to take a tenant in for a while; written to the journal first, and undone by `heal`."""

    def onboard(self, name: str, tenant: str, declared: DeclaredTenant) -> Tenant:
        """Onboard a tenant that the target does not declare in every component of the stack."""

    def offboard(self, name: str, tenant: str, declared: DeclaredTenant) -> None:
        """Remove it from every component, and its secrets; idempotent."""


def provider(word: str) -> Provider:
    """Return the provider of that name; UserError when it is unknown or not built."""
    if word not in PROVIDERS:
        msg = f"provider {word!r} is not available (available: {', '.join(sorted(PROVIDERS))}); name one of them in the target file"
        raise UserError(msg)
    found: Provider = importlib.import_module(PROVIDERS[word]).PROVIDER
    return found
