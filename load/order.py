"""What the generator is told: the plan, where the control stream goes, and what was planted for each tenant."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from load.operations import Planted
from load.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class ControlStream:
    """The stub that answers after a known delay, and who vouches for it."""

    url: str
    ca: str


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What one tenant owns for the time of a run; every title begins with the canary."""

    canary: str
    planted: tuple[Planted, ...]


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run of the generator; it holds no secret, those are in the stack's own file."""

    plan: Plan
    control: ControlStream
    estates: Mapping[str, Estate]

    def to_json(self) -> str:
        """As a file."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> Order:
        """Read it back; raises ValueError, KeyError or TypeError when it is not an order."""
        fields = json.loads(text)
        estates = {
            tenant: Estate(canary=estate["canary"], planted=tuple(Planted(**one) for one in estate["planted"]))
            for tenant, estate in fields["estates"].items()
        }
        return Order(plan=Plan.from_fields(fields["plan"]), control=ControlStream(**fields["control"]), estates=estates)
