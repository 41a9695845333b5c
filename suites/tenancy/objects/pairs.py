"""Key pairs that no tenant was given: each that the store's own list has is used, and must reach no tenant's objects."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from constat.judgement import Judgement
from constat.outcome import Outcome
from suites.tenancy.campaign import OK
from suites.tenancy.objects.ground import answered
from suites.tenancy.objects.operations import ATTACK
from suites.tenancy.objects.wire import Request, Speaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from constat.stack import Objects
    from suites.tenancy.objects.derived import Identity
    from suites.tenancy.objects.ground import Planted

    Places = Mapping[tuple[str, str], Planted]


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a key pair reached: whose objects, where and how; and how many it was tried on."""

    name: str  # of the identity, and of a tenant where it is one's
    reached: tuple[tuple[str, str], ...]  # tenant, what was done
    tried: int


def attacked(store: Objects, known: Iterable[Identity], declared: frozenset[str], planted: Places) -> Iterator[Judgement]:
    """Every pair that the platform does not say to be an operator's over all tenants' objects; `declared` are access keys."""
    places = {place: item for place, item in planted.items() if item.content}
    for number, identity in enumerate(one for one in known if one.keys.access_key not in declared):
        with contextlib.closing(Speaker(store, identity.keys)) as speaker:
            reached = tuple(
                (item.tenant, f"{how} in {bucket}") for (bucket, _), item in places.items() for how in _did(speaker, bucket, item)
            )
        used = Used(name=identity.name, reached=reached, tried=len(places))
        yield judge(used, number)


def judge(used: Used, number: int = 0) -> Judgement:
    """FAIL for what is another tenant's; nobody but a tenant has anything that is its own."""
    excess = [f"{how} of {tenant}" for tenant, how in used.reached if tenant != used.name]
    outcome = Outcome.FAIL if excess else Outcome.PASS if used.tried else Outcome.ERROR
    reason = f"it reaches none of {used.tried} tenants' places" if used.tried else "nothing was there to be reached"
    if excess:
        reason = f"a key pair that the store knows and nobody declares may {', '.join(excess[:3])}; take it out of the store's list"
    subject = f"key pair of {used.name}" + (f", {number + 1}" if number else "")
    return Judgement(
        subject=subject, outcome=outcome, reason=reason, expected=[], observed=excess, positive_control="the tenants see their own"
    )


def _did(speaker: Speaker, bucket: str, item: Planted) -> Iterator[str]:
    """What succeeds: reading, listing, and writing beside what is there."""
    if answered(speaker.ask(Request(method="GET", path=f"/{bucket}/{item.known}"))).shows(item.content):
        yield "read"
    listing = Request(method="GET", path=f"/{bucket}", query=(("prefix", f"{item.tenant}/"),))
    if answered(speaker.ask(listing)).shows(item.folder):
        yield "list"
    if answered(speaker.ask(Request(method="PUT", path=f"/{bucket}/{item.folder}/pair", body=ATTACK))).kind == OK:
        yield "write"
