"""Documents that a function is called with: objects with the keys that its source reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from suites.tenancy.postgres.counterparts import Argument, fits, is_uuid, nowhere
from suites.tenancy.postgres.planting import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.tenancy.postgres.counterparts import Giver

_TENANTS: Final = ("tenant_id", "tenant", "organization_id", "organization", "organisation_id", "org_id", "org", "account_id", "company_id")


def documents(giver: Giver) -> Iterator[Argument]:
    """Objects with the keys that the source reads: what the victim has under that name, its id, and each row's; alone and in a list."""
    ids = {name: str(value) for seed in giver.victims for name, value in seed.values.items() if is_uuid(value)}
    own = [seed.organization_id for seed in giver.victims[:1]]
    texts = {name: value for seed in giver.victims for name, value in seed.values.items() if isinstance(value, str) and value}
    tenants = dict.fromkeys((*_TENANTS, *(key for key in giver.lore.keys if key not in ids | texts)), own[0]) if own else {}
    canaries = [dict.fromkeys((*giver.lore.keys, "name", "query"), seed.canary) for seed in giver.victims[:1]]
    rows = [{n: str(v) for n, v in seed.values.items() if fits("uuid", v) or fits("text", v)} for seed in giver.victims]
    objects = [tenants | texts | ids, ids, *(dict.fromkeys((*giver.lore.keys, "id"), value) for value in own), *canaries, *rows[:12]]
    for one in objects:
        other = {name: nowhere(value) for name, value in one.items()}
        yield Argument(json.dumps(one), json.dumps(other))
        if one in objects[:2]:
            yield Argument(json.dumps([one]), json.dumps([other]))
    yield Argument(json.dumps(own), json.dumps([str(new_uuid()) for _ in own]))
    yield Argument("{}", "{}")
