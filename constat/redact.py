"""Keep secrets out of findings, logs and reports."""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from constat.finding import Json

MASK = "«redacted»"
# Shorter values would mask half of the English language; the harness generates none of them.
SHORTEST = 8

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"
    r"|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)"
    r"|(?<=password=)(?:'(?:[^'\\]|\\.)*'|[^\s'\"&;]+)"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(?:s|b|hvs|hvb)\.[A-Za-z0-9_-]{20,}",
    re.DOTALL,
)


class Redactor:
    """Masks every known secret in every spelling, and everything shaped like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Take the secrets to mask; those shorter than SHORTEST are left out."""
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these too from now on."""
        for secret in secrets:
            if len(secret) >= SHORTEST:
                self._known.update(_spellings(secret))
        ordered = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Return the text with every secret masked."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return _SHAPES.sub(MASK, text)

    def value(self, value: Json) -> Json:
        """Return a JSON value with every secret masked, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))


def _spellings(secret: str) -> set[str]:
    """Return the secret as URLs, JSON, Base64 (at each offset) and multi-line texts carry it."""
    raw = secret.encode()
    shapes = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
    shapes |= {json.dumps(secret)[1:-1], raw.hex()}
    shapes |= {line for line in secret.splitlines() if len(line) >= SHORTEST}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[offset] : len(encoded) - 1]
        if len(inner) >= SHORTEST:
            shapes |= {inner, inner.replace("+", "-").replace("/", "_")}
    return shapes
