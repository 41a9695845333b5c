"""A control: one rule, with an id that never changes; the decorator that makes a test one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from constat.outcome import Occasion

if TYPE_CHECKING:
    from collections.abc import Callable

    from constat.outcome import Impact, Severity

# The family is in the id, so that it cannot drift from it; the order is the order of a run.
FAMILIES: Final = {
    "CON": "contract",
    "HOS": "hosts",
    "SEC": "security",
    "TEN": "tenancy",
    "OBS": "observability",
    "KUB": "kubernetes",
    "BAK": "backups",
    "LOA": "load",
    "CHA": "chaos",
}
CAPABILITIES: Final = frozenset(
    {"postgres", "coordinator", "objects", "cache", "broker", "vault", "gateway", "services", "search", "metrics", "backups", "tenants"}
    | {"listeners", "guarded", "local_processes", "machines", "declared", "kubernetes"}
)
_ID: Final = re.compile(r"([A-Z]{3})-([A-Z0-9]+-)?[0-9]{2}")
_ATTRIBUTE: Final = "__constat_control__"

Test = TypeVar("Test", bound="Callable[..., None]")


@dataclass(frozen=True, kw_only=True)
class Control:
    """One rule about a target."""

    id: str
    title: str
    severity: Severity
    impact: Impact
    needs: tuple[str, ...]
    promises: tuple[str, ...]
    refs: tuple[str, ...]
    remediation: str
    occasion: Occasion = Occasion.ALWAYS

    @property
    def family(self) -> str:
        """The family, from the id's prefix."""
        return FAMILIES[self.id[:3]]

    def problems(self) -> list[str]:
        """What is not well-formed about it."""
        found = []
        match = _ID.fullmatch(self.id)
        if match is None or match[1] not in FAMILIES:
            found.append(f"control id {self.id!r}: expected FAM-NN or FAM-PART-NN with FAM one of {', '.join(FAMILIES)}")
        if not self.remediation.endswith("."):
            found.append(f"control {self.id}: the remediation must be a sentence that ends with a period")
        if not self.title.endswith("."):
            found.append(f"control {self.id}: the test's docstring must state the claim as a sentence")
        if unknown := set(self.needs) - CAPABILITIES:
            found.append(f"control {self.id}: needs unknown capabilities {sorted(unknown)!r} (known: {', '.join(sorted(CAPABILITIES))})")
        if not self.refs:
            found.append(f"control {self.id}: a reference is missing")
        return found


def control(
    control_id: str,
    *,
    severity: Severity,
    impact: Impact,
    needs: tuple[str, ...],
    refs: tuple[str, ...],
    remediation: str,
    promises: tuple[str, ...] = (),
    occasion: Occasion = Occasion.ALWAYS,
) -> Callable[[Test], Test]:
    """Make a test a control; its docstring's first line is the claim."""

    def mark(test: Test) -> Test:
        title = (test.__doc__ or "").strip().split("\n")[0]
        rule = Control(
            id=control_id,
            title=title,
            severity=severity,
            impact=impact,
            needs=needs,
            promises=promises,
            refs=refs,
            remediation=remediation,
            occasion=occasion,
        )
        setattr(test, _ATTRIBUTE, rule)
        return test

    return mark


def control_of(test: object) -> Control | None:
    """The control that a test function is, or None for an ordinary test."""
    found = getattr(test, _ATTRIBUTE, None)
    return found if isinstance(found, Control) else None
