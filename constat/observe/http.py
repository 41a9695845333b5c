"""What servers say over HTTP: one answer as it came, and what the platform's services say of themselves."""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from constat import deadlines, wait
from constat.errors import NotReady, Unobservable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constat.stack import Stack

OK: Final = 200
SUCCESS: Final = range(200, 300)
TOO_MANY: Final = 429
_BREATH: Final = 0.2
_LOOKS: Final = frozenset({"GET", "HEAD", "LIST", "OPTIONS"})
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate and its key, as paths; the key may be in the same file."""

    cert: str
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body, for people."""
        return self.body.decode(errors="replace")

    @property
    def is_success(self) -> bool:
        """Whether what was asked for was done."""
        return self.status in SUCCESS

    def json(self) -> Any:
        """The body as JSON; Unobservable when it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            msg = f"expected JSON, got {self.status} {self.text[:200]!r}"
            raise Unobservable(msg) from None


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What a service says of itself and of what stands behind it."""

    status: int
    ready: bool
    dependencies: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation that a service describes."""

    method: str
    path: str
    public: bool
    operation: dict[str, Any]
    schemas: dict[str, Any]


def authority(stack: Stack) -> str:
    """The path of the stack's own certificate authority; Unobservable when no capability names one."""
    parts = (stack.gateway, stack.postgres, stack.objects, stack.cache, stack.broker, stack.vault, stack.coordinator, stack.metrics)
    for part in parts:
        if part is not None and part.ca:
            return part.ca
    msg = "no capability of the stack names a certificate authority, so no server can prove who it is"
    raise Unobservable(msg)


def trusting(ca: str, certificate: Certificate | None = None) -> ssl.SSLContext:
    """Trust that authority and no other; Unobservable when a file cannot be read."""
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate.cert, certificate.key)
    except OSError as problem:
        msg = f"certificates cannot be read ({ca!r}, {certificate!r}): {problem}"
        raise Unobservable(msg) from None
    return context


def client(
    ca: str,
    base: str = "",
    *,
    certificate: Certificate | None = None,
    login: tuple[str, str] | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = deadlines.SERVICE_ANSWERS,
) -> httpx.Client:
    """Speak to servers that the authority vouches for; nothing comes from the environment, no redirect is followed."""
    return httpx.Client(
        base_url=base,
        verify=trusting(ca, certificate),
        auth=login,
        headers=headers,
        timeout=httpx.Timeout(seconds, connect=deadlines.PROBE_CONNECT),
        trust_env=False,
    )


def ask(
    speaker: httpx.Client,
    method: str,
    path: str,
    *,
    content: bytes | None = None,
    value: Any = None,
    headers: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
) -> Reply:
    """Ask, with bytes or a JSON value as the body; Unobservable when no HTTP answer comes back.

    Where the answer is only that anybody asks too often, ask again for a while: it says nothing of who is let in.
    """
    with _speaking(f"{method} {path!r} of {str(speaker.base_url)!r}"):
        request = speaker.build_request(method, path, content=content, json=value, headers=headers, params=params)
        if content is not None or value is not None:
            # A server that refuses before it has read the body may hang up afterwards, without saying so.
            request.headers["Connection"] = "close"
        return unhurried(lambda: _reply(_sent(speaker, request)))


def unhurried(once: Callable[[], Reply]) -> Reply:
    """The first answer that is not "too many requests", or that one when it is still so after a while."""
    try:
        return wait.until(
            once, what="another answer than 429", within=deadlines.SERVICE_ANSWERS, every=_BREATH, holds=lambda one: one.status != TOO_MANY
        )
    except NotReady:
        return once()


@contextmanager
def _speaking(what: str) -> Iterator[None]:
    """No HTTP answer is Unobservable, and says to what."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        msg = f"no answer to {what}: {type(problem).__name__}: {problem}"
        raise Unobservable(msg) from None


def _reply(answer: httpx.Response) -> Reply:
    return Reply(status=answer.status_code, headers={k.lower(): v for k, v in answer.headers.items()}, body=answer.content)


def _sent(speaker: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send it; once more where only looking is asked for and the server had just closed a connection that was kept."""
    try:
        return speaker.send(request)
    except httpx.RemoteProtocolError:
        if request.method not in _LOOKS:
            raise
        return speaker.send(request)


def expect(reply: Reply, *, what: str) -> Reply:
    """Return the reply when it succeeded, else Unobservable with what was said instead."""
    if not httpx.codes.is_success(reply.status):
        msg = f"{what} answers {reply.status}: {reply.text[:200].strip()}"
        raise Unobservable(msg)
    return reply


def readiness(speaker: httpx.Client) -> Readiness:
    """Ask a service whether it is ready; Unobservable when it does not say so in the agreed form."""
    reply = ask(speaker, "GET", "/ready")
    said = reply.json()
    if not isinstance(said, dict) or not isinstance(said.get("dependencies"), dict):
        msg = f"/ready of {str(speaker.base_url)!r} lists no dependencies: {reply.text[:200]!r}"
        raise Unobservable(msg)
    states = {str(name): str(state) for name, state in said["dependencies"].items()}
    return Readiness(status=reply.status, ready=said.get("ready") is True, dependencies=states)


def routes(speaker: httpx.Client) -> tuple[Route, ...]:
    """Every operation that a service's OpenAPI document describes; Unobservable without one."""
    document = expect(ask(speaker, "GET", "/openapi.json"), what=f"/openapi.json of {str(speaker.base_url)!r}").json()
    schemas = document.get("components", {}).get("schemas", {})
    found = tuple(_routes(document.get("paths", {}).items(), document.get("security"), schemas))
    if not found:
        msg = f"/openapi.json of {str(speaker.base_url)!r} describes no operation"
        raise Unobservable(msg)
    return found


def _routes(paths: Iterable[tuple[str, dict[str, Any]]], default: object, schemas: dict[str, Any]) -> Iterable[Route]:
    for path, operations in paths:
        for method, operation in operations.items():
            if method in _METHODS:
                # OpenAPI 3.1, 4.8.10: an empty list, or none anywhere, means that nobody is asked who they are.
                public = not operation.get("security", default)
                yield Route(method=method.upper(), path=path, public=public, operation=operation, schemas=schemas)
