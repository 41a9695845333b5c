"""One request as an attacker can shape it."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - a dataclass's default
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

Pairs = tuple[tuple[str, str], ...]


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
