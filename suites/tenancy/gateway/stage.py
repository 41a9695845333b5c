"""The stage: both tenants signed in, each with something of its own behind every operation, and all of it removed again."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from constat.errors import Unobservable
from constat.observe import http
from suites.security.strangers import web
from suites.tenancy.gateway import sweep
from suites.tenancy.gateway.door import Door
from suites.tenancy.gateway.resident import Resident, nowhere
from suites.tenancy.gateway.routes import Nameless, Way, learn, own, ways
from suites.tenancy.gateway.values import Unmakeable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constat.stack import Stack
    from suites.tenancy.gateway.request import Request

STORE: Final = "gateway"
_UNSUPPORTED: Final = 415
_MAKES: Final = ("POST", "PUT")
_OTHER_MEDIA: Final = ("image/png", "application/pdf", "text/plain", "application/octet-stream", "image/jpeg")


class Canaries(Protocol):
    """The canaries of a run."""

    def of(self, tenant: str, store: str) -> str:
        """The value planted for that tenant in that store."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that the attacks of one run share."""

    stack: Stack
    ways: tuple[Way, ...]
    direct: dict[str, Door]  # by service
    through: dict[str, Door]  # entry points of the gateway
    mine: Resident
    theirs: Resident
    spare: Resident  # the attacker again, with things to be given up
    absent: Resident

    def doors(self, way: Way) -> tuple[Door, ...]:
        """Every door that may lead to an operation."""
        return (self.direct[way.service], *self.through.values())


@contextlib.contextmanager
def staged(stack: Stack, canaries: Canaries, pair: tuple[str, str]) -> Iterator[Stage]:
    """Set the stage; everything that bears a canary of it is removed afterwards."""
    ca = http.authority(stack)
    with contextlib.ExitStack() as opened:
        direct = {name: opened.enter_context(Door(name, ca, url)) for name, url in stack.services.items()}
        through = {name: opened.enter_context(Door(name, ca, url)) for name, url in entries(stack).items()}
        known = described(stack, ca)
        mine, theirs = (signed_in(stack, ca, name, canaries.of(name, STORE)) for name in pair)
        spare = dataclasses.replace(mine, places={}, told={}, words=[])
        try:
            for resident in (mine, theirs, spare):
                settle(resident, known, direct)
            leave_handles(theirs, known, direct)
            yield Stage(
                stack=stack,
                ways=known,
                direct=direct,
                through=through,
                mine=mine,
                theirs=theirs,
                spare=spare,
                absent=nowhere(theirs),
            )
        finally:
            sweep.remove(stack, (mine, theirs))


def entries(stack: Stack) -> dict[str, str]:
    """The gateway's TLS entry points by name: what clients see, and whatever else leads to services."""
    nodes = web.gateway_nodes(stack)
    found = {f"{at.node}/{at.name}": web.url(at) for at in stack.listeners if at.node in nodes and at.tls}
    return found or ({"gateway": stack.gateway.url} if stack.gateway else {})


def described(stack: Stack, ca: str) -> tuple[Way, ...]:
    """Every operation of every service, by the live documents; Unobservable when one has none."""
    found: list[Way] = []
    for service, url in stack.services.items():
        with http.client(ca, url) as client:
            found += ways(service, http.routes(client))
    return tuple(found)


def signed_in(stack: Stack, ca: str, tenant: str, canary: str) -> Resident:
    """A tenant with a token of its own, by the real sign-in."""
    declared = stack.tenants[tenant]
    return Resident(
        tenant=tenant,
        organization_id=declared.organization_id,
        plan=declared.plan,
        user=declared.api.user,
        password=declared.api.password,
        token=web.sign_in(stack, ca, tenant),
        canary=canary,
    )


def settle(resident: Resident, known: tuple[Way, ...], direct: dict[str, Door]) -> None:
    """Make something by every operation that makes things, the outer before the inner, then list what there is."""
    outer_first = sorted(known, key=lambda way: (len(way.place_names), _MAKES.index(way.method) if way.method in _MAKES else 2, way.path))
    for way in outer_first:
        if way.public or way.method not in {*_MAKES, "GET"}:
            continue
        with contextlib.suppress(Unmakeable):  # the operation itself will be said to be out of reach, with the reason
            request = own(way, resident, narrow=way.method == "GET")
            request, reply = asked(direct[way.service], request, resident.token)
            if reply.is_success and reply.headers.get("content-type", "").startswith("application/json"):
                learn(way, resident, request, reply.json(), all_ways=known)


def leave_handles(resident: Resident, known: tuple[Way, ...], direct: dict[str, Door]) -> None:
    """Make another of each thing, whose texts recognise nobody: somebody else may say them, and have them among its own."""
    for way in known:
        if way.public or way.method != "POST":
            continue
        with contextlib.suppress(Unmakeable):  # said where the operation itself is attacked
            request = own(way, resident, owner=Nameless(resident))
            if isinstance(request.body, dict) and direct[way.service].ask(request, resident.token).is_success:
                resident.handles.update({name: text for name, text in request.body.items() if Nameless.made(str(text))})


def asked(door: Door, request: Request, token: str | None) -> tuple[Request, http.Reply]:
    """Ask with the kind of content that is taken: a description may leave open which."""
    reply = door.ask(request, token)
    for media in _OTHER_MEDIA if request.content is not None and reply.status == _UNSUPPORTED else ():
        request = dataclasses.replace(request, media=media)
        if (reply := door.ask(request, token)).status != _UNSUPPORTED:
            break
    return request, reply


def required_canary(stage: Stage, seen: int) -> None:
    """Unobservable unless the oracle sees that the victim has something to be reached."""
    if not seen:
        msg = f"the oracle sees nothing of {stage.theirs.tenant!r} that bears its canary: nothing is there to be reached"
        raise Unobservable(msg)
