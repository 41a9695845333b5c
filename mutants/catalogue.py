"""Every mutant there is, found in the modules of this package."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

import mutants
from constat.errors import HarnessError

if TYPE_CHECKING:
    from constat.mutant import Mutant


@functools.cache
def by_id() -> dict[str, Mutant]:
    """Every mutant and harmless change by its id; HarnessError when two have the same."""
    found: dict[str, Mutant] = {}
    for part, known in by_part().items():
        for mutant in known:
            if mutant.id in found:
                msg = f"mutant {mutant.id!r} is defined twice, the second time in mutants/{part}"
                raise HarnessError(msg)
            found[mutant.id] = mutant
    return found


@functools.cache
def by_part() -> dict[str, tuple[Mutant, ...]]:
    """The same by the folder that they are in, which the suite that must notice them has too: `hosts`, `tenancy/cache`."""
    found: dict[str, tuple[Mutant, ...]] = {}
    for info in sorted(pkgutil.walk_packages(mutants.__path__, "mutants."), key=lambda info: info.name):
        if info.name == __name__:
            continue
        part = "/".join(info.name.split(".")[1:-1])
        known = tuple(getattr(importlib.import_module(info.name), "MUTANTS", ()))
        if known:
            found[part] = found.get(part, ()) + known
    return found
