"""One request as an attacker can shape it, and the door that it is brought to."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - a dataclass's default
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import httpx

from constat.errors import Unobservable
from constat.observe import http

if TYPE_CHECKING:
    from constat.observe.http import Reply

Pairs = tuple[tuple[str, str], ...]
# A server that refuses before it has read the body may hang up; a connection that was kept may have been closed.
_HUNG_UP: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request without its token; `path` is OpenAPI's template, `target` replaces what path and query would make."""

    method: str
    path: str
    places: Mapping[str, str] = field(default_factory=dict)
    query: Pairs = ()
    body: Any = None
    content: bytes | None = None
    media: str = ""
    headers: Pairs = ()
    target: str = ""

    @property
    def line(self) -> str:
        """Path and query as they go over the wire."""
        if self.target:
            return self.target
        path = self.path
        for name, value in self.places.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        return f"{path}?{urlencode(self.query)}" if self.query else path

    @property
    def payload(self) -> bytes | None:
        """The body's bytes; None when there is none."""
        return json.dumps(self.body).encode() if self.body is not None else self.content

    @property
    def sent(self) -> str:
        """Everything that the client itself has put into it, as text."""
        said = [self.line, *self.places.values(), *(value for _, value in self.query), *(value for _, value in self.headers)]
        return "\n".join([*said, (self.payload or b"").decode(errors="replace")])

    def curl(self, token: str) -> str:
        """The same request to paste; `token` is a shell word such as `$TOKEN`, never a token."""
        parts = ["curl --cacert ca.pem -i --path-as-is", f"-X {self.method}"]
        if token:
            parts.append(f'-H "Authorization: Bearer {token}"')
        parts += [f"-H '{name}: {value}'" for name, value in self.headers]
        if self.payload is not None:
            parts.append(f"-H 'Content-Type: {self.media or 'application/json'}'")
            parts.append(f"--data-binary '{self.payload.decode(errors='replace')[:2000]}'")
        return " \\\n  ".join([*parts, f'"$BASE{self.line}"'])


class Door:
    """A way to a service: directly, or through the gateway."""

    def __init__(self, name: str, client: httpx.Client) -> None:
        """Take an open client of that address."""
        self.name = name
        self._client = client

    def ask(self, request: Request, token: str | None = None) -> Reply:
        """Bring a request; Unobservable when no HTTP answer comes back."""
        try:
            try:
                return self._sent(request, token)
            except _HUNG_UP:  # once more, on a connection of its own
                return self._sent(request, token)
        except (httpx.HTTPError, ValueError) as problem:
            msg = f"no answer to {request.method} {request.line!r} at {self.name}: {type(problem).__name__}: {problem}"
            raise Unobservable(msg) from None

    def _sent(self, request: Request, token: str | None) -> Reply:
        payload = request.payload
        headers = [(name.encode(), value.encode()) for name, value in request.headers]
        if token is not None:
            headers.append((b"Authorization", f"Bearer {token}".encode()))
        if payload is not None:
            headers.append((b"Content-Type", (request.media or "application/json").encode()))
        # The target goes over the wire as it is: the client's library would tidy up what an attacker would not.
        message = self._client.build_request(
            request.method, "/", headers=headers, content=payload, extensions={"target": request.line.encode()}
        )
        answer = self._client.send(message)
        return http.Reply(status=answer.status_code, headers=_headers(answer), body=answer.content)


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}
