"""A service whose /ready says what its author hoped."""

from __future__ import annotations

from typing import Final

from mutants.tenancy.gateway.release import Change, released

MUTANTS: Final = (
    released(
        "MUT-CON-19",
        "the check of the cache was taken out of /ready, since it slowed the probe down",
        service="property",
        changes=(Change(file="cache.py", before="        await self._redis.ping()\n", after="        return\n"),),
        controls=("CON-LIV-02",),
    ),
)
