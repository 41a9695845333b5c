"""Discovery: one business path that crosses every hop of the platform."""

from __future__ import annotations

import base64
import contextlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from constat import deadlines, wait
from constat.control import control
from constat.errors import NotReady, TargetError, Unobservable
from constat.judgement import Findings, Judgement
from constat.observe import broker, cache, events, http, objects
from constat.outcome import Impact, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from constat.observe.events import Listener
    from constat.stack import Stack

# The smallest PNG there is: one dot.
DOT: Final = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
_ALL: Final = "/api/properties"


class Canaries(Protocol):
    """The canaries of a run."""

    def of(self, tenant: str, store: str) -> str:
        """The value planted for that tenant in that store."""


@dataclass
class Path:
    """One tenant on its way through the platform, and what it has got so far."""

    stack: Stack
    client: httpx.Client
    tenant: str
    canary: str
    heard: Listener
    property: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, *, content: bytes | None = None, value: Any = None, kind: str = "") -> http.Reply:
        """Ask the gateway as the tenant; NotReady when it does not succeed."""
        headers = self.headers | ({"Content-Type": kind} if kind else {})
        reply = http.ask(self.client, method, path, content=content, value=value, headers=headers)
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - HTTP's range of success
            msg = f"{method} {path.partition('?')[0]} answers {reply.status}: {reply.text[:200]}"
            raise NotReady(msg)
        return reply


@control(
    "CON-DIS-01",
    severity=Severity.HIGH,
    impact=Impact.PROBE,
    needs=("gateway", "services", "tenants", "objects", "cache", "broker", "postgres", "search"),
    promises=("discovery",),
    refs=("ISO 27001 A.8.16",),
    remediation="Follow the path to the step that is named: the service behind it does not find the one that it needs.",
)
def test_services_find_each_other(stack: Stack, canaries: Canaries, attack_pair: tuple[str, str], findings: Findings) -> None:
    """One business path crosses every hop for every test tenant: sign in, create, store, list through the cache, search, deliver."""
    walks = (_walk(stack, tenant, canaries.of(tenant, "discovery")) for tenant in attack_pair)
    findings.judge(itertools.chain.from_iterable(walks))


def _walk(stack: Stack, tenant: str, canary: str) -> Iterator[Judgement]:
    assert stack.gateway is not None  # the control needs both
    assert stack.broker is not None
    with (
        http.client(stack.gateway.ca, stack.gateway.url) as client,
        events.listening(stack.broker, stack.broker.exchanges[0], f"{tenant}.#", vhost=stack.broker.vhost_of(tenant)) as heard,
    ):
        path = Path(stack=stack, client=client, tenant=tenant, canary=canary, heard=heard)
        try:
            yield from _steps(path)
        finally:
            with contextlib.suppress(TargetError):  # what was not created cannot be removed; a leftover is the test tenant's own
                path.ask("DELETE", f"{_ALL}/{path.property}")
            _sweep(path)


def _sweep(path: Path) -> None:
    """The store keeps versions of what was deleted; nobody else made these."""
    store = path.stack.objects
    if store is None or not path.property:
        return
    client = objects.connect(store, store.admin)
    for bucket in store.buckets:
        for item in objects.stored(store, bucket, f"{path.tenant}/"):
            if path.property in item.key:
                client.remove_object(bucket, item.key, version_id=item.version)


def _steps(path: Path) -> Iterator[Judgement]:
    """Each step once the one before it has succeeded; after the first that does not, nothing is known."""
    broken = ""
    for name, step in STEPS.items():
        if broken:
            subject = f"{path.tenant}: {name}"
            yield Judgement(subject=subject, outcome=Outcome.NOT_REVIEWED, reason=f"the step before it failed: {broken}")
            continue
        judgement = _step(f"{path.tenant}: {name}", step, path)
        broken = name if judgement.outcome is not Outcome.PASS else ""
        yield judgement


def _step(name: str, step: Callable[[Path], str], path: Path) -> Judgement:
    try:
        seen = wait.until(lambda: step(path), what=name, within=deadlines.SERVICE_ANSWERS, every=0.2)
    except Unobservable as problem:
        return Judgement(subject=name, outcome=Outcome.ERROR, reason=f"could not look: {problem}")
    except NotReady as problem:
        return Judgement(subject=name, outcome=Outcome.FAIL, reason=str(problem), expected="done", observed="not done")
    return Judgement(subject=name, outcome=Outcome.PASS, reason=seen, expected="done", observed="done")


def _sign_in(path: Path) -> str:
    login = path.stack.tenants[path.tenant].api
    token = path.ask("POST", "/api/identity/token", value={"user": login.user, "password": login.password}).json()["access_token"]
    path.headers["Authorization"] = f"Bearer {token}"
    return "identity has issued a token"


def _create(path: Path) -> str:
    draft = {"title": f"House {path.canary}", "city": "Lyon", "price": 1}
    path.property = path.property or str(path.ask("POST", _ALL, value=draft).json()["id"])
    return "property has written a row"


def _image(path: Path) -> str:
    where = f"{_ALL}/{path.property}/images/{path.canary}.png"
    path.ask("PUT", where, content=DOT, kind="image/png")
    if path.ask("GET", where).body != DOT:
        msg = "the image that comes back is not the one that was sent"
        raise NotReady(msg)
    return "the image came back byte for byte"


def _stored(path: Path) -> str:
    assert path.stack.objects is not None  # the control needs it
    kept = [
        f"{bucket}/{item.key}"
        for bucket in path.stack.objects.buckets
        for item in objects.stored(path.stack.objects, bucket, f"{path.tenant}/")
        if path.property in item.key or path.canary in item.key
    ]
    if not kept:
        msg = f"no object of property {path.property} is below {path.tenant}/"
        raise NotReady(msg)
    return f"the oracle sees {kept[0]}"


def _listed(path: Path) -> str:
    if path.canary not in path.ask("GET", f"{_ALL}?limit=100").text:
        msg = "the listing does not show the property"
        raise NotReady(msg)
    return "listed"


def _cached(path: Path) -> str:
    assert path.stack.cache is not None  # the control needs it
    if not (names := cache.holding(path.stack.cache, f"{path.tenant}:", path.property)):
        msg = f"no listing below {path.tenant}: holds the property"
        raise NotReady(msg)
    return f"the oracle sees {names[0]}"


def _found(path: Path) -> str:
    if path.property not in path.ask("GET", f"/api/search?q={path.canary}").text:
        msg = "the search does not find the property"
        raise NotReady(msg)
    return "search has found it"


def _published(path: Path) -> str:
    return f"the broker was given {path.heard.hear(path.property)}"


def _delivered(path: Path) -> str:
    assert path.stack.broker is not None  # the control needs it
    queue, vhost = f"{path.tenant}.events", path.stack.broker.vhost_of(path.tenant)
    if not broker.fetched(path.stack.broker, path.stack.tenants[path.tenant].broker, queue, path.property, vhost=vhost):
        msg = f"queue {queue!r} has no event of property {path.property}"
        raise NotReady(msg)
    return f"the tenant fetched it from {queue}"


STEPS: Final = {
    "sign in": _sign_in,
    "create": _create,
    "image": _image,
    "object store": _stored,
    "listing": _listed,
    "cache": _cached,
    "search": _found,
    "event": _published,
    "tenant's queue": _delivered,
}
