"""The version of every component, asked by its own protocol; one question for each server."""

from __future__ import annotations

import functools
import queue
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from constat.clock import monotonic
from constat.errors import Unobservable
from constat.observe import broker, cache, coordinator, http, metrics, objects, postgres, vault
from constat.observe.archive import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from constat.stack import Backups, Objects, Stack

# `constat status` is asked by people who wait for it.
STATUS_SECONDS: Final = 1.5
_NUMBERS: Final = re.compile(r"\d+(?:\.\d+)*")
_BUILD: Final = re.compile(r'^haproxy_process_build_info\{version="([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A server, and how its version is asked; `ask` raises Unobservable when it does not say."""

    component: str
    subject: str  # the server, where a component has several
    ask: Callable[[], str]


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with, without trailing zeros, so that 15 and 15.0 are equal.

    Raises Unobservable when there are none.
    """
    if (match := _NUMBERS.search(version)) is None:
        msg = f"{version!r} is not a version: expected dotted numbers"
        raise Unobservable(msg)
    found = [int(part) for part in match[0].split(".")]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def versions(stack: Stack) -> dict[str, str]:
    """Each component's version by name, the lowest where several servers run; who does not answer in time is left out."""
    asked, answers = questions(stack), queue.SimpleQueue[tuple[str, str]]()
    for question in asked:
        threading.Thread(target=_put, args=(question, answers), daemon=True).start()
    found: dict[str, str] = {}
    end = monotonic() + STATUS_SECONDS
    for _ in asked:
        try:
            component, version = answers.get(timeout=max(0.0, end - monotonic()))
        except queue.Empty:
            break
        if version and (component not in found or numbers(version) < numbers(found[component])):
            found[component] = version
    return found


def questions(stack: Stack) -> tuple[Question, ...]:
    """What can be asked of this stack; a capability that it lacks is not among it."""
    return tuple(_questions(stack))


def _questions(stack: Stack) -> Iterator[Question]:
    if (consensus := stack.coordinator) is not None:
        for endpoint in consensus.endpoints:
            yield Question(
                component="coordinator",
                subject=_node(stack, endpoint) or endpoint,
                ask=functools.partial(coordinator.version, consensus, endpoint),
            )
    if (database := stack.postgres) is not None:
        for node in database.nodes:
            yield Question(component="postgres", subject=node.name, ask=functools.partial(postgres.version, database, node))
        yield _one("pooler", lambda: postgres.pooler_version(database))
        yield _one("schema", lambda: postgres.schema_version(database))
    yield from _stores(stack)
    yield from _doors(stack)


def _stores(stack: Stack) -> Iterator[Question]:
    if (store := stack.objects) is not None:
        yield _one("objects", lambda: objects.version(store))
        if (archive := stack.backups) is not None:
            yield _one("backups", lambda: _archive_version(archive, store))
    if (memory := stack.cache) is not None:
        yield _one("cache", lambda: cache.version(memory))
    if (messages := stack.broker) is not None:
        yield _one("broker", lambda: broker.greeting(messages).version)
    if (secrets := stack.vault) is not None:
        yield _one("vault", lambda: vault.version(secrets))


def _doors(stack: Stack) -> Iterator[Question]:
    for name, url in stack.services.items():
        yield _one(name, functools.partial(_service_version, url, stack))
    if stack.gateway is not None:
        yield _one("gateway", lambda: _gateway_version(stack))
    if any(listener.node == "proxy" for listener in stack.listeners):
        yield _one("proxy", lambda: _proxy_version(stack))
    if (monitoring := stack.metrics) is not None:
        yield _one("prometheus", lambda: metrics.prometheus_version(monitoring))
        yield _one("alertmanager", lambda: metrics.alertmanager_version(monitoring))


def _one(component: str, ask: Callable[[], str]) -> Question:
    return Question(component=component, subject=component, ask=ask)


def _put(question: Question, answers: queue.SimpleQueue[tuple[str, str]]) -> None:
    try:
        version = question.ask()
        numbers(version)
    except Unobservable:
        version = ""  # for people who look at a table, silence says enough
    answers.put((question.component, version))


def _archive_version(backups: Backups, store: Objects) -> str:
    """The version that wrote the repository, as its list of backups records it."""
    listed = Repository(backups, store)._info(f"backup/{backups.stanza}/backup.info")  # noqa: SLF001 - it has no public word for it
    return str(listed["backrest"]["backrest-version"]).strip('"')


def _service_version(url: str, stack: Stack) -> str:
    with http.client(http.authority(stack), url) as client:
        described = http.expect(http.ask(client, "GET", "/openapi.json"), what=f"/openapi.json of {url}").json()
    return str(described["info"]["version"])


def _gateway_version(stack: Stack) -> str:
    """What the gateway says of itself on an entry point that is not the clients'."""
    node = _node(stack, stack.gateway.url) if stack.gateway else ""
    for listener in stack.listeners:
        if listener.node == node and listener.name == "metrics":
            return str(_inside(f"http://{listener.host}:{listener.port}", "/api/version", stack).json()["Version"])
    msg = "the gateway has no internal entry point (a listener named 'metrics'), so it tells nobody its version"
    raise Unobservable(msg)


def _proxy_version(stack: Stack) -> str:
    for listener in stack.listeners:
        if listener.node == "proxy" and listener.name == "metrics":
            match = _BUILD.search(_inside(f"http://{listener.host}:{listener.port}", "/metrics", stack).text)
            if match is not None:
                return match[1]
    msg = "the proxy shows no metric 'haproxy_process_build_info'"
    raise Unobservable(msg)


def _inside(base: str, path: str, stack: Stack) -> http.Reply:
    with http.client(http.authority(stack), base) as client:
        return http.expect(http.ask(client, "GET", path), what=f"{base}{path}")


def _node(stack: Stack, url: str) -> str:
    """The node that listens at a URL; empty when no declared listener does."""
    port = urlsplit(url).port
    return next((listener.node for listener in stack.listeners if listener.port == port), "")
