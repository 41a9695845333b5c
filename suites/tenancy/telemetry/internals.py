"""What an answer tells of a platform's inside: code, statements, addresses; pure functions of text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

PATTERNS: Final = {
    "a traceback": r"Traceback \(most recent call last\)|^\s+File \"[^\"]+\", line \d+"
    r"|\bat [\w.$]+\([\w]+\.(?:java|kt|js|ts|go):\d+|goroutine \d+ \[",
    "a statement": r"\b(?:SELECT\s.{0,200}?\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s+[\w.\"]+",
    "the database's words": r"SQLSTATE|psycopg|asyncpg|sqlalchemy|violates [\w-]+ constraint|duplicate key value|invalid input syntax for"
    r"|(?:relation|column|role|function) \"[^\"]+\" (?:does not exist|already exists)"
    r"|row-level security|permission denied for (?:table|schema|relation)",
    "a path of the server": r"(?:/usr/lib|/var/lib|/opt|/home|/srv|/root|/app|site-packages)/[\w./-]+\.(?:py|go|js|rb|conf|json|pem)",
    "an address with a login": r"\b(?:postgres(?:ql)?|amqps?|rediss?|mongodb|https?)://[^\s/@:]+:[^\s/@]+@",
    "a debugger": r"Werkzeug Debugger|DEBUG = True|Whoops!|phpinfo\(\)",
}
_COMPILED: Final = {what: re.compile(pattern, re.MULTILINE | re.DOTALL) for what, pattern in PATTERNS.items()}


def told(text: str, *, sent: str = "") -> tuple[str, ...]:
    """What of the platform's inside a text shows that its reader had not said itself."""
    found = []
    for what, pattern in _COMPILED.items():
        match = pattern.search(text)
        if match and match[0] not in sent:
            found.append(f"{what}: {match[0][:120]}")
    return tuple(found)


def present(text: str, words: Iterable[str]) -> tuple[str, ...]:
    """Which of the words a text holds, in whatever case."""
    plain = text.lower()
    return tuple(sorted({word for word in words if word.lower() in plain}))
