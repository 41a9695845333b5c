"""How a word may stand in a text that does not hold it letter by letter: in hexadecimal, in base64, an id without its hyphens."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# A shorter word's encoded inside is found by chance.
SHORTEST: Final = 12
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_GROUP = 3  # bytes that base64 takes together


def spellings(word: str) -> tuple[str, ...]:
    """The word itself, and every text that must stand somewhere when an encoded text holds it, wherever it begins in there."""
    found = [word]
    if _UUID.fullmatch(word):
        found.append(word.replace("-", ""))
    if len(word) >= SHORTEST:
        plain = word.encode()
        found += [plain.hex(), plain.hex().upper(), *_inside(plain)]
    return tuple(dict.fromkeys(found))


def every_spelling(words: Iterable[str]) -> tuple[str, ...]:
    """The same of several words."""
    return tuple(dict.fromkeys(spelled for word in words for spelled in spellings(word)))


def _inside(plain: bytes) -> list[str]:
    """What base64 makes of the word behind none, one or two other bytes, without the letters that its neighbours decide."""
    found = []
    for before in range(_GROUP):
        skipped = -before % _GROUP
        whole = plain[skipped:]
        whole = whole[: len(whole) - len(whole) % _GROUP]
        text = base64.b64encode(whole).decode()
        found += [text, text.replace("+", "-").replace("/", "_")]
    return found
